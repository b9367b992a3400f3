"""Alembic's entry: runs the migrations on the connection that `kefu.store.migrate` gives it."""

from alembic import context

from kefu.store.tables import metadata

connection = context.config.attributes.get("connection")

if connection is None:
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
else:
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)

with context.begin_transaction():
    context.run_migrations()

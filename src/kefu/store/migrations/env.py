"""Alembic's entry: runs the migrations on the connection that `kefu.store.migrate` gives it, or prints their SQL."""

from typing import Any

from alembic import context

from kefu.store.tables import metadata

connection = context.config.attributes.get("connection")

if connection is None:
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # or every percent sign would be doubled
        target_metadata=metadata,
        literal_binds=True,
    )
else:
    on_done = context.config.attributes.get("on_done")

    def migrated(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:  # Alembic gives them by these names
        """Tells who asked which migration is done."""
        del ctx, heads, run_args
        if on_done is not None:
            on_done(step.up_revision_id)

    context.configure(
        connection=connection, target_metadata=metadata, transactional_ddl=True, on_version_apply=migrated
    )

with context.begin_transaction():
    context.run_migrations()

"""Writes of a conversation that touch no index (HOT), and an append that is short for one message.

The inbox's order and `since` are looked up by slots, which change rarely; the rows of a slot are sorted when they are
read. `message` has no foreign key: the append, its only writer, has the conversation locked, so the check of every row
proves what is known; the other way round, a trigger refuses to delete a conversation that has messages.

Revision 0002.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = Path(__file__).parent.parent / "sql"

STATEMENTS = (
    "drop index conversation_version_idx",
    "drop index conversation_inbox_idx",
    """
    alter table conversation
      add column last_message_slot timestamptz
        generated always as (date_bin('10 minutes', last_message_at, timestamptz '2000-01-01 00:00:00+00')) stored,
      add column version_slot bigint generated always as (version::text::bigint >> 12) stored
    """,
    "create index conversation_version_idx on conversation (site, version_slot)",
    """
    create index conversation_inbox_idx on conversation (site, status, last_message_slot) include (assigned_to)
      where last_message_slot is not null
    """,
    "alter table message drop constraint message_conversation_id_fkey",
    """
    create function refuse_to_orphan_messages() returns trigger language plpgsql as $$
    begin
      if exists (select 1 from message where conversation_id = old.id) then
        raise foreign_key_violation using message = 'the conversation has messages; delete them first';
      end if;
      return null;
    end
    $$
    """,
    """
    create trigger conversation_messages_check after delete on conversation
      for each row execute function refuse_to_orphan_messages()
    """,
)


def upgrade() -> None:
    """Changes indexes and constraints, then the append."""
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute((SQL / "append_2.sql").read_text(encoding="utf-8"))

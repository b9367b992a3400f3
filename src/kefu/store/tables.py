"""The tables, as SQLAlchemy Core sees them. Migrations make them; a test compares the two.

Ids are opaque text of at most 64 characters, compared by byte (collation "C"): ours are `ids.new_id()`, an older
server's are kept as they are. Every table that holds a site's data has its `site`. Times are UTC.

`conversation.version` is the id of the transaction that last wrote the row: `since` of the inbox is answered from it
(contract section 4, promise 5), so every statement that writes a conversation sets it to `pg_current_xact_id()`.

A message must change no column of an index of `conversation`, or every index gets a new entry for it. So what changes
with each message is indexed by its slot: ten minutes, 4096 transactions. A slot orders as its column does; the rows of
one slot are sorted when they are read.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP
from sqlalchemy.types import UserDefinedType

DEFAULT_SITE = "default"

VERSION_SLOT_BITS = 12
_LAST_MESSAGE_SLOT = (  # in PostgreSQL's own words, so that comparing the two finds no difference
    "date_bin('00:10:00'::interval, last_message_at, '2000-01-01 00:00:00+00'::timestamp with time zone)"
)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)


def _id() -> sa.Text:
    return sa.Text(collation="C")


def _time(name: str, *, nullable: bool = True, now: bool = False) -> Column[Any]:
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None)


def _site() -> Column[Any]:
    return Column("site", _id(), ForeignKey("site.id"), nullable=False, server_default=DEFAULT_SITE)


installation = Table(
    "installation",
    metadata,
    Column("singleton", sa.Boolean, primary_key=True, server_default=sa.true()),
    # Changes when a backup is restored, so that clients reset; see contract section 4, promise 4.
    Column("epoch", sa.Text, nullable=False),
    # Key of the HMAC under which visitors' session ids are stored; never leaves the database.
    Column("session_key", BYTEA, nullable=False),
    sa.CheckConstraint("singleton", name="installation_one_row"),
)

site = Table(
    "site",
    metadata,
    Column("id", _id(), primary_key=True),
    Column("name", sa.Text, nullable=False),
    _time("created_at", nullable=False, now=True),
)

agent = Table(
    "agent",
    metadata,
    Column("id", _id(), primary_key=True),
    _site(),
    # Name and password at Kefu's own main site; null for agents who log in at another one.
    Column("login", sa.Text, unique=True),
    Column("password_hash", sa.Text),
    Column("name", sa.Text, nullable=False),
    Column("avatar_url", sa.Text),
    Column("role", sa.Text, nullable=False),
    Column("disabled", sa.Boolean, nullable=False, server_default=sa.false()),
    _time("created_at", nullable=False, now=True),
    _time("last_seen_at"),
    sa.CheckConstraint("role in ('owner', 'admin', 'agent', 'viewer')", name="agent_role"),
)

login_session = Table(
    "login_session",
    metadata,
    Column("token_hash", BYTEA, primary_key=True),
    Column("agent_id", _id(), ForeignKey("agent.id", ondelete="cascade"), nullable=False, index=True),
    _time("created_at", nullable=False, now=True),
    _time("expires_at", nullable=False),
)

visitor = Table(
    "visitor",
    metadata,
    Column("id", _id(), primary_key=True),
    _site(),
    # HMAC of the session id; null where the id was too weak to be a credential.
    Column("session_hash", BYTEA),
    # Hash of the visitor token; `token_seen` once it was presented: then only the token opens the conversations.
    Column("token_hash", BYTEA),
    Column("token_seen", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("name", sa.Text),
    Column("email", sa.Text),
    Column("phone", sa.Text),
    Column("locale", sa.Text),
    Column("timezone", sa.Text),
    _time("created_at", nullable=False, now=True),
    _time("last_seen_at", nullable=False, now=True),
    sa.UniqueConstraint("site", "session_hash"),
    sa.UniqueConstraint("token_hash"),
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", _id(), primary_key=True),
    _site(),
    Column("visitor_id", _id(), ForeignKey("visitor.id"), nullable=False),
    Column("status", sa.Text, nullable=False, server_default="open"),
    Column("assigned_to", _id(), ForeignKey("agent.id")),
    Column("seq", sa.Integer, nullable=False, server_default="0"),
    Column("note_seq", sa.Integer, nullable=False, server_default="0"),
    Column("unread", sa.Integer, nullable=False, server_default="0"),
    Column("visitor_read_seq", sa.Integer, nullable=False, server_default="0"),
    Column("agent_read_seq", sa.Integer, nullable=False, server_default="0"),
    Column("preview", sa.Text, nullable=False, server_default=""),
    Column("preview_sender", sa.Text),
    _time("last_message_at"),
    _time("waiting_since"),
    Column("entry_url", sa.Text),
    Column("referrer", sa.Text),
    Column("page_title", sa.Text),
    _time("created_at", nullable=False, now=True),
    _time("closed_at"),
    Column("version", Xid8, nullable=False, server_default=sa.text("pg_current_xact_id()")),
    # Null where there is no message yet.
    Column("last_message_slot", TIMESTAMP(timezone=True), sa.Computed(_LAST_MESSAGE_SLOT, persisted=True)),
    Column("version_slot", sa.BigInteger, sa.Computed(f"version::text::bigint >> {VERSION_SLOT_BITS}", persisted=True)),
    sa.CheckConstraint("status in ('open', 'closed')", name="conversation_status"),
    Index(
        "conversation_open_key",
        "visitor_id",
        "site",
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    ),
    Index("conversation_visitor_idx", "visitor_id"),
    Index("conversation_version_idx", "site", "version_slot"),
    Index(
        "conversation_inbox_idx",
        "site",
        "status",
        "last_message_slot",
        postgresql_include=["assigned_to"],
        postgresql_where=sa.text("last_message_slot is not null"),
    ),
)

message = Table(
    "message",
    metadata,
    # No foreign key: the append has the conversation locked, and a trigger guards against its deletion.
    Column("conversation_id", _id(), primary_key=True),
    Column("seq", sa.Integer, primary_key=True),
    Column("id", _id(), nullable=False),
    Column("site", _id(), nullable=False, server_default=DEFAULT_SITE),
    Column("sender_type", sa.Text, nullable=False),
    # The visitor's or the agent's id; with `client_id` it makes a repeat recognisable (promise 3).
    Column("sender_id", _id(), nullable=False),
    Column("client_id", _id(), nullable=False),
    Column("body_text", sa.Text, nullable=False),
    Column("metadata", JSONB),
    _time("created_at", nullable=False, now=True),
    sa.UniqueConstraint("conversation_id", "sender_id", "client_id"),
    sa.CheckConstraint("sender_type in ('visitor', 'admin', 'system')", name="message_sender_type"),
)

note = Table(
    "note",
    metadata,
    Column("conversation_id", _id(), ForeignKey("conversation.id"), primary_key=True),
    Column("note_seq", sa.Integer, primary_key=True),
    Column("id", _id(), nullable=False),
    Column("site", _id(), nullable=False, server_default=DEFAULT_SITE),
    Column("after_seq", sa.Integer, nullable=False),
    Column("agent_id", _id(), ForeignKey("agent.id"), nullable=False),
    Column("client_id", _id(), nullable=False),
    Column("body_text", sa.Text, nullable=False),
    _time("created_at", nullable=False, now=True),
    sa.UniqueConstraint("conversation_id", "agent_id", "client_id"),
)

import_archive = Table(
    "import_archive",
    metadata,
    # Rows of another chat that have no place here yet, or no longer fit: kept as they were (docs: move-in).
    Column("source_table", sa.Text, primary_key=True),
    Column("source_id", sa.Text, primary_key=True),
    # Why the row is here; null where the whole table has no place.
    Column("reason", sa.Text),
    Column("content", JSONB, nullable=False),
    _time("imported_at", nullable=False, now=True),
)

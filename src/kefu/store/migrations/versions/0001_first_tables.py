"""The first tables: site, agents, visitors, conversations, messages, notes; and the append.

Revision 0001.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parent.parent / "sql"

TABLES = """
create table installation (
  singleton boolean not null default true,
  epoch text not null,
  session_key bytea not null,
  constraint installation_pkey primary key (singleton),
  constraint installation_one_row check (singleton)
);

create table site (
  id text collate "C" not null,
  name text not null,
  created_at timestamptz not null default now(),
  constraint site_pkey primary key (id)
);

create table agent (
  id text collate "C" not null,
  site text collate "C" not null default 'default',
  login text,
  password_hash text,
  name text not null,
  avatar_url text,
  role text not null,
  disabled boolean not null default false,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz,
  constraint agent_pkey primary key (id),
  constraint agent_login_key unique (login),
  constraint agent_site_fkey foreign key (site) references site (id),
  constraint agent_role check (role in ('owner', 'admin', 'agent', 'viewer'))
);

create table login_session (
  token_hash bytea not null,
  agent_id text collate "C" not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint login_session_pkey primary key (token_hash),
  constraint login_session_agent_id_fkey foreign key (agent_id) references agent (id) on delete cascade
);
create index login_session_agent_id_idx on login_session (agent_id);

create table visitor (
  id text collate "C" not null,
  site text collate "C" not null default 'default',
  session_hash bytea,
  token_hash bytea,
  token_seen boolean not null default false,
  name text,
  email text,
  phone text,
  locale text,
  timezone text,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  constraint visitor_pkey primary key (id),
  constraint visitor_site_session_hash_key unique (site, session_hash),
  constraint visitor_token_hash_key unique (token_hash),
  constraint visitor_site_fkey foreign key (site) references site (id)
);

create table conversation (
  id text collate "C" not null,
  site text collate "C" not null default 'default',
  visitor_id text collate "C" not null,
  status text not null default 'open',
  assigned_to text collate "C",
  seq integer not null default 0,
  note_seq integer not null default 0,
  unread integer not null default 0,
  visitor_read_seq integer not null default 0,
  agent_read_seq integer not null default 0,
  preview text not null default '',
  preview_sender text,
  last_message_at timestamptz,
  waiting_since timestamptz,
  entry_url text,
  referrer text,
  page_title text,
  created_at timestamptz not null default now(),
  closed_at timestamptz,
  version xid8 not null default pg_current_xact_id(),
  constraint conversation_pkey primary key (id),
  constraint conversation_site_fkey foreign key (site) references site (id),
  constraint conversation_visitor_id_fkey foreign key (visitor_id) references visitor (id),
  constraint conversation_assigned_to_fkey foreign key (assigned_to) references agent (id),
  constraint conversation_status check (status in ('open', 'closed'))
) with (fillfactor = 70);
create unique index conversation_open_key on conversation (visitor_id, site) where status <> 'closed';
create index conversation_visitor_idx on conversation (visitor_id);
create index conversation_version_idx on conversation (site, version);
create index conversation_inbox_idx on conversation (site, status, last_message_at, id) where seq > 0;

create table message (
  conversation_id text collate "C" not null,
  seq integer not null,
  id text collate "C" not null,
  site text collate "C" not null default 'default',
  sender_type text not null,
  sender_id text collate "C" not null,
  client_id text collate "C" not null,
  body_text text not null,
  metadata jsonb,
  created_at timestamptz not null default now(),
  constraint message_pkey primary key (conversation_id, seq),
  constraint message_conversation_id_sender_id_client_id_key unique (conversation_id, sender_id, client_id),
  constraint message_conversation_id_fkey foreign key (conversation_id) references conversation (id),
  constraint message_sender_type check (sender_type in ('visitor', 'admin', 'system'))
);

create table note (
  conversation_id text collate "C" not null,
  note_seq integer not null,
  id text collate "C" not null,
  site text collate "C" not null default 'default',
  after_seq integer not null,
  agent_id text collate "C" not null,
  client_id text collate "C" not null,
  body_text text not null,
  created_at timestamptz not null default now(),
  constraint note_pkey primary key (conversation_id, note_seq),
  constraint note_conversation_id_agent_id_client_id_key unique (conversation_id, agent_id, client_id),
  constraint note_conversation_id_fkey foreign key (conversation_id) references conversation (id),
  constraint note_agent_id_fkey foreign key (agent_id) references agent (id)
);

insert into site (id, name) values ('default', 'Default site');
"""

# Made by the server, so that the printed SQL holds no secret: a random UUID has 122 random bits.
INSTALLATION = """
insert into installation (epoch, session_key) values (
  substr(replace(gen_random_uuid()::text, '-', ''), 1, 16),
  sha256((gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text)::bytea)
)
"""


def upgrade() -> None:
    """Makes the tables, the default site, and this installation's own epoch and key."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute((SQL / "append_1.sql").read_text(encoding="utf-8"))
    op.execute(INSTALLATION)

"""What a hello asks and makes, in one statement each and on the driver itself: every visitor says hello on every page.

SQLAlchemy costs several times what PostgreSQL and the driver do here. `visitors.py` and `conversations.py` hold the
rules for everything else; `actions/open.py` decides who may be found and when something is made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple, cast

from kefu.store.database import Database
from kefu.store.ids import new_id
from kefu.wire.shapes import Status

# The visitor by their token, else by a session whose visitor has not presented a token yet; what they say of themselves
# is noted. Then their open conversation, else the one that was closed last; visitors and their conversations are of one
# site, and to ask for it would let the planner read the site's whole index while it has no statistics.
_RECOGNISE = """
with found as (
  select * from (
    select id, true as by_token from visitor where token_hash = $1
    union all
    select id, false from visitor where site = $2 and session_hash = $3 and not token_seen
  ) known
  order by by_token desc
  limit 1
),
seen as (
  update visitor v
  set last_seen_at = now(),
      token_seen = v.token_seen or found.by_token,
      name = coalesce($4, v.name),
      email = coalesce($5, v.email),
      phone = coalesce($6, v.phone),
      locale = coalesce($7, v.locale),
      timezone = coalesce($8, v.timezone)
  from found
  where v.id = found.id
)
select found.id as found_id, c.*, agent.name as agent_name, agent.avatar_url as agent_avatar_url
from found
left join lateral (
  select id, visitor_id, status, seq, visitor_read_seq, agent_read_seq, closed_at, assigned_to
  from conversation
  where visitor_id = found.id
  order by status desc, closed_at desc nulls first
  limit 1
) c on true
left join agent on agent.id = c.assigned_to
"""
_CREATE = """
with new_visitor as (
  insert into visitor (id, site, session_hash, token_hash, name, email, phone, locale, timezone)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  on conflict (site, session_hash) do nothing
  returning id, site
)
insert into conversation (id, site, visitor_id, entry_url, referrer, page_title)
select $10, site, id, $11, $12, $13 from new_visitor
returning id
"""
_KNOWN = ("name", "email", "phone", "locale", "timezone")
_PAGE = ("entry_url", "referrer", "page_title")


class Opened(NamedTuple):
    """A conversation as its visitor's sockets need it; the fields are those of `conversations.find`."""

    id: str
    visitor_id: str
    status: Status
    seq: int
    visitor_read_seq: int
    agent_read_seq: int
    closed_at: dt.datetime | None
    agent_name: str | None
    agent_avatar_url: str | None


class Newcomer(NamedTuple):
    """A visitor to be made.

    Attributes:
        id: A new id.
        session_hash: None where the session id is no credential.
        token_hash: Of the token that is theirs from now on.
        known: `name`, `email`, `phone`, `locale`, `timezone`, as far as the hello said.
    """

    id: str
    session_hash: bytes | None
    token_hash: bytes
    known: Mapping[str, str]


async def recognise(
    database: Database, site: str, token_hash: bytes | None, session_hash: bytes | None, known: Mapping[str, str]
) -> tuple[str, Opened | None] | None:
    """Finds a visitor and notes what the hello said of them.

    Args:
        database: Where.
        site: Where the session is.
        token_hash: Of the token that was presented.
        session_hash: Of the session id, where it is a credential.
        known: `name`, `email`, `phone`, `locale`, `timezone`; absent ones stay as they are.

    Returns:
        The visitor's id, and their open conversation, else their last one, else None; None if nobody is known.
    """
    row = await database.fetch_row(_RECOGNISE, token_hash, site, session_hash, *map(known.get, _KNOWN))
    if row is None:
        return None
    if row["id"] is None:
        return row["found_id"], None
    return row["found_id"], Opened(*(row[name] for name in Opened._fields))


async def create(database: Database, site: str, newcomer: Newcomer, page: Mapping[str, str]) -> Opened | None:
    """Makes a visitor and their conversation.

    Args:
        database: Where.
        site: Where they are.
        newcomer: Who.
        page: `entry_url`, `referrer`, `page_title` of where it begins, as far as known.

    Returns:
        The conversation; None, and nothing made, if the session has its visitor already.
    """
    known, begins = newcomer.known, map(page.get, _PAGE)
    who = (newcomer.id, site, newcomer.session_hash, newcomer.token_hash, *map(known.get, _KNOWN))
    row = await database.fetch_row(_CREATE, *who, new_id(), *begins)
    if row is None:
        return None
    return Opened(cast("str", row["id"]), newcomer.id, "open", 0, 0, 0, None, None, None)

"""A peer: python-socketio on uvicorn and uvloop; one prepared statement (one transaction) a message through asyncpg.

The packages are used as they come, the way a small chat would; what its rules and recovery would cost is left out.

    python bench/peers/python_socketio.py PORT DATABASE_URL POOL_SIZE
"""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import socketio
import uvicorn

from kefu.store.ids import new_id

EVERY_CONVERSATION = "agents"

OPEN = """
with v as (insert into visitor (id) values ($1) returning id)
insert into conversation (id, visitor_id) select $2, id from v
"""
APPEND = """
with c as (
  update conversation
  set seq = seq + 1, preview = left($5, 120), preview_sender = 'visitor', last_message_at = now(),
      unread = unread + 1, waiting_since = coalesce(waiting_since, now()), version = pg_current_xact_id()
  where id = $1
  returning seq
)
insert into message (conversation_id, seq, id, sender_type, sender_id, client_id, body_text)
select $1, seq, $2, 'visitor', $3, $4, $5 from c
returning seq, created_at
"""


class Chat:
    """The visitors' server and the agents' server."""

    def __init__(self) -> None:
        self.pool: asyncpg.Pool[asyncpg.Record]
        self.visitors = socketio.AsyncServer(async_mode="asgi")
        self.agents = socketio.AsyncServer(async_mode="asgi")
        self.visitors.on("visitor_hello", self.hello)
        self.visitors.on("visitor_message", self.message)
        self.agents.on("connect", self.agent_connected)
        self.agents.on("admin_join", self.joined)

    async def hello(self, sid: str, _hello: dict[str, Any]) -> dict[str, Any]:
        """Makes a visitor and a conversation."""
        visitor_id, conversation_id = new_id(), new_id()
        await self.pool.execute(OPEN, visitor_id, conversation_id)
        await self.visitors.save_session(sid, {"visitor": visitor_id, "conversation": conversation_id})
        await self.visitors.enter_room(sid, conversation_id)
        return {"ok": True, "conversationId": conversation_id}

    async def message(self, sid: str, sent: dict[str, str]) -> dict[str, Any]:
        """Stores a message, then tells its visitor and the agents."""
        session = await self.visitors.get_session(sid)
        conversation_id, message_id = sent["conversationId"], new_id()
        if conversation_id != session["conversation"]:
            return {"ok": False, "code": "not_yours"}
        row = await self.pool.fetchrow(
            APPEND, conversation_id, message_id, session["visitor"], sent["clientId"], sent["bodyText"]
        )
        if row is None:
            return {"ok": False, "code": "not_found"}
        created_at = row["created_at"].isoformat()
        message = {
            "id": message_id,
            "conversationId": conversation_id,
            "seq": row["seq"],
            "sender": "visitor",
            "bodyText": sent["bodyText"],
            "clientId": sent["clientId"],
            "createdAt": created_at,
        }
        await self.visitors.emit("message_new", message, room=conversation_id)
        await self.agents.emit("message_new", message, room=EVERY_CONVERSATION)
        return {"ok": True, "id": message_id, "seq": row["seq"], "createdAt": created_at}

    async def agent_connected(self, sid: str, _environ: dict[str, Any], _auth: dict[str, Any]) -> None:
        """Lets the agent hear every conversation."""
        await self.agents.enter_room(sid, EVERY_CONVERSATION)
        self.agents.start_background_task(self.agents.emit, "admin_authenticated", {}, room=sid)

    async def joined(self, _sid: str, _wanted: dict[str, str]) -> dict[str, Any]:
        """Answers; the agent hears everything already."""
        return {"ok": True}


class Server(uvicorn.Server):
    """Says when it serves."""

    async def startup(self, *args: Any, **kwargs: Any) -> None:
        await super().startup(*args, **kwargs)
        print("ready", flush=True)


def main(port: int, database_url: str, pool_size: int) -> None:
    """Serves until it is ended."""
    chat = Chat()

    async def as_it_is(_connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Nothing to reset: a connection that is given back would otherwise cost one more query a message."""

    @contextlib.asynccontextmanager
    async def pooled() -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=pool_size, max_size=pool_size, reset=as_it_is) as pool:
            chat.pool = pool
            yield

    agents = socketio.ASGIApp(chat.agents, socketio_path="ws-admin")
    stack = contextlib.AsyncExitStack()

    async def open_pool() -> None:
        await stack.enter_async_context(pooled())

    app = socketio.ASGIApp(
        chat.visitors, agents, socketio_path="ws-visitor", on_startup=open_pool, on_shutdown=stack.aclose
    )
    Server(uvicorn.Config(app, host="127.0.0.1", port=port, loop="uvloop", log_level="warning", lifespan="on")).run()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

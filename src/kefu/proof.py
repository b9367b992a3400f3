"""What chat-server proves to itself when it starts, each with its log line (contract section 1, Log lines).

Every failed check prints one line, `DB_FAIL …` and so on, and stops the start.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket

import sqlalchemy as sa

from kefu.api.files import Files
from kefu.chat.messages import Draft
from kefu.config import Settings
from kefu.doctor.database import OTHERS_CONNECTIONS
from kefu.doctor.local import connections_needed
from kefu.logs import announce
from kefu.store.database import UNREACHABLE, Database, DatabaseError, Installation, reason, token_hash, where
from kefu.store.ids import new_id
from kefu.store.migrate import SCHEMA_PROBLEMS, state_async
from kefu.store.queries import conversations, visitors
from kefu.store.queries.append import append
from kefu.store.tables import DEFAULT_SITE
from kefu.tokens import TokenError, issue_agent_token, verify_agent_token

log = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_S = 5.0


class StartError(RuntimeError):
    """A check at the start failed; the message is the line that was printed."""


def failed(line: str) -> StartError:
    """Prints the line of a failed check.

    Returns:
        The error to raise.
    """
    announce(line)
    return StartError(line)


async def database(opened: Database) -> Installation:
    """The database answers, keeps what it commits, and has this version's schema.

    Raises:
        StartError: With `DB_FAIL`.
    """
    try:
        await opened.check()
        problem = SCHEMA_PROBLEMS.get(await state_async(opened.url))
        if problem is not None:
            raise failed(f"DB_FAIL {where(opened.url)} {problem}")
        return await opened.installation()
    except DatabaseError as error:
        raise failed(f"DB_FAIL {error}") from error
    except UNREACHABLE as error:
        raise failed(f"DB_FAIL {where(opened.url)}: {reason(error)}") from error


async def rights(opened: Database, *, strict: bool = False) -> None:
    """Our role has no rights beyond its database: else a warning, or if `strict` a failed check.

    Raises:
        StartError: With `DB_FAIL`.
    """
    try:
        found = await opened.rights()
    except UNREACHABLE as error:
        raise failed(f"DB_FAIL {where(opened.url)}: {reason(error)}") from error
    if not found.excess:
        return
    line = (
        f"the role {found.role} has rights beyond its database ({found.excess}): one hole in this program would open "
        f"the whole database server; mend it: {found.mend}"
    )
    if strict:
        raise failed(f"DB_FAIL {where(opened.url)}: {line}")
    log.warning("%s", line)


async def connections(opened: Database, settings: Settings, workers: int) -> None:
    """Warns if the database has fewer connections than this server's processes and the main site may take.

    It serves all the same: pools fill up under load only, and then requests wait or fail.
    """
    needed = connections_needed(settings, workers)
    allowed = await opened.connections_max()
    if allowed < needed:
        log.warning(
            "the database allows %d connections, chat-server's %d and the main site take up to %d: "
            "set max_connections = %d there, or KEFU_DB_POOL_MAX lower than %d here",
            *(allowed, workers, needed, needed + OTHERS_CONNECTIONS, settings.db_pool_max),
        )


async def sockets(listener: socket.socket, *paths: str) -> None:
    """A websocket opens on each path, through the port that is listened on.

    Raises:
        StartError: With `WS_FAIL`.
    """
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    for path in paths:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                status = await _handshake(host, port, path)
        except OSError as error:
            raise failed(f"WS_FAIL {path}: {error.strerror or type(error).__name__}") from error
        if " 101 " not in status:
            raise failed(f"WS_FAIL {path}: expected 101, got {status!r}")


async def _handshake(host: str, port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(
            f"GET {path}/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: a2VmdSBjaGVja3Mga2VmdQ==\r\n\r\n".encode()
        )
        return (await reader.readline()).decode("latin-1").strip()
    finally:
        writer.close()


async def chat(opened: Database, files: Files, secret: str) -> None:
    """Widget and console are there, a token can be signed and verified, a message written, read and rolled back.

    Raises:
        StartError: With `P0_FAIL`.
    """
    missing = files.missing()
    if missing:
        raise failed(f"P0_FAIL not built: {', '.join(missing)}; run: make setup")
    try:
        verify_agent_token(secret, issue_agent_token(secret, agent_id="proof", role="viewer"))
        await _message(opened)
    except (TokenError, ValueError) as error:
        raise failed(f"P0_FAIL token: {error}") from error
    except UNREACHABLE as error:
        raise failed(f"P0_FAIL message: {reason(error)}") from error


async def _message(opened: Database) -> None:
    """Writes a message as the append does, reads it back, and rolls everything back."""
    visitor_id, body = new_id(), "proof"
    async with opened.engine.connect() as connection:
        newcomer = visitors.newcomer(visitor_id, DEFAULT_SITE, None, token_hash(visitor_id), {})
        await visitors.create(connection, newcomer)
        conversation = await conversations.create(connection, visitor_id, DEFAULT_SITE, {})
        assert conversation is not None
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        draft = Draft(conversation.id, "visitor", visitor_id, new_id(), new_id(), body, None)
        await append(raw, [draft], dt.timedelta(0))
        read = sa.text("select body_text from message where conversation_id = :id and seq = 1")
        found = (await connection.execute(read, {"id": conversation.id})).scalar()
        await connection.rollback()
    if found != body:
        raise failed("P0_FAIL message: what was read is not what was written")

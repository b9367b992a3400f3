"""A visitor and an agent who talk to each other, each by websocket and by polling. Knows the socket contract alone."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import Any

from kefu.accept.checks import CheckError
from kefu.accept.connection import Connection, Transport
from kefu.client.address import Address

VISITOR_PATH, AGENT_PATH = "/ws-visitor", "/ws-admin"
VISITOR_NAME = "Kefu acceptance test"
NOTE = "Written by `kefu accept`; this conversation is a test. 这是 `kefu accept` 的测试会话。"
QUESTION = "Can you read this? 你能看到吗？"
REPLY = "Yes, I can. 能看到。"
THANKS = "Thank you! 谢谢！"

Said = dict[str, Any]


class Talk:
    """One conversation.

    Args:
        visitor: chat-server as the visitor's page reaches it.
        agent: chat-server as the console reaches it.
        token: The agent's.

    Attributes:
        conversation_id: Empty before the hello.
        is_closed: Whether it was closed.
    """

    def __init__(self, visitor: Address, agent: Address, token: str) -> None:
        self.conversation_id = ""
        self.is_closed = False
        self._addresses = {VISITOR_PATH: visitor, AGENT_PATH: agent}
        self._token = token
        self._session_id = f"accept_{uuid.uuid4()}"
        self._visitor_token = ""
        self._said: list[tuple[str, str]] = []
        """Texts and client ids, in the order of the conversation."""
        self._open: dict[tuple[str, Transport], Connection] = {}

    @property
    def has_spoken(self) -> bool:
        """Whether there is something to clean up: a conversation without a message goes by itself."""
        return bool(self._said)

    # --- connections ---------------------------------------------------------------------------------------

    async def visitor_by(self, transport: Transport) -> None:
        """The visitor connects."""
        await self._connect(VISITOR_PATH, transport)

    async def agent_by(self, transport: Transport) -> None:
        """The agent connects, and is let in."""
        agent = await self._connect(AGENT_PATH, transport)
        await agent.ask("admin_auth", token=self._token)

    async def _connect(self, path: str, transport: Transport) -> Connection:
        who = "visitor" if path == VISITOR_PATH else "agent"
        connection = await Connection(who, transport).open(self._addresses[path], path)
        self._open[path, transport] = connection
        return connection

    def _visitor(self, transport: Transport = "websocket") -> Connection:
        return self._open[VISITOR_PATH, transport]

    def _agent(self, transport: Transport = "websocket") -> Connection:
        return self._open[AGENT_PATH, transport]

    def _both(self, path: str) -> list[Connection]:
        return [self._open[path, "websocket"], self._open[path, "polling"]]

    # --- what is said --------------------------------------------------------------------------------------

    async def hello(self) -> None:
        """The visitor opens a conversation on both sockets."""
        for visitor in self._both(VISITOR_PATH):
            got = await visitor.ask("visitor_hello", **self._introduction())
            self.conversation_id = got["conversationId"]
            self._visitor_token = got["visitorToken"] or self._visitor_token

    async def visitor_message(self) -> Said:
        """The visitor writes; the agent sees the conversation in the inbox, joins and reads."""
        began = time.perf_counter()
        message = await self._write(self._visitor(), "visitor_message", QUESTION)
        await self._agent().hear("conversation_update", self._is_ours)
        ms = (time.perf_counter() - began) * 1000
        for agent in self._both(AGENT_PATH):
            got = await agent.ask("admin_join", conversationId=self.conversation_id)
            if [one["id"] for one in got["messages"]] != [message["id"]]:
                raise CheckError("other_history", expected=[QUESTION], got=[one["bodyText"] for one in got["messages"]])
        return {"ms": ms}

    async def assign(self) -> None:
        """The agent takes the conversation; the visitor's page shows who serves."""
        await self._agent().ask("admin_assign", conversationId=self.conversation_id)
        await self._agent().hear("conversation_update", lambda row: self._is_ours(row) and row["assignedTo"])
        for visitor in self._both(VISITOR_PATH):
            await visitor.hear("conversation_update", lambda row: self._is_ours(row) and row["agent"])

    async def agent_message(self) -> Said:
        """The agent writes; both of the visitor's sockets hear it."""
        return await self._say(self._agent(), "admin_message", REPLY, self._both(VISITOR_PATH))

    async def polling_message(self) -> Said:
        """The visitor writes by polling; both of the agent's sockets hear it."""
        return await self._say(self._visitor("polling"), "visitor_message", THANKS, self._both(AGENT_PATH))

    async def repeat(self) -> None:
        """The same again, as after a lost ack: it gets the first answer."""
        text, client_id = self._said[-1]
        got = await self._visitor().ask(
            "visitor_message", conversationId=self.conversation_id, bodyText=text, clientId=client_id
        )
        if not got.get("duplicate"):
            raise CheckError("stored_twice")

    async def history(self) -> Said:
        """Somebody who comes back reads everything, in order, without a hole."""
        connection = await Connection("visitor", "websocket").open(self._addresses[VISITOR_PATH], VISITOR_PATH)
        try:
            got = await connection.ask("visitor_hello", **self._introduction())
        finally:
            await connection.close()
        told = [(one["seq"], one["bodyText"]) for one in got["messages"]]
        expected = [(seq + 1, text) for seq, (text, _) in enumerate(self._said)]
        if got["conversationId"] != self.conversation_id or told != expected:
            raise CheckError("other_history", expected=expected, got=told)
        return {"count": len(told)}

    async def close(self) -> None:
        """The agent marks the conversation as a test and closes it; the visitor hears it."""
        agent = self._agent()
        await agent.ask("admin_note", conversationId=self.conversation_id, bodyText=NOTE)
        await agent.ask("admin_close", conversationId=self.conversation_id)
        self.is_closed = True
        for visitor in self._both(VISITOR_PATH):
            await visitor.hear("conversation_update", lambda row: row["status"] == "closed")

    async def leave(self) -> None:
        """Ends every connection; closes the conversation before, if that is still to be done and can be."""
        agents = [found for (path, _), found in self._open.items() if path == AGENT_PATH]
        if self._said and not self.is_closed and agents:
            with contextlib.suppress(ConnectionError, CheckError):
                await agents[0].ask("admin_close", conversationId=self.conversation_id)
                self.is_closed = True
        await asyncio.gather(*(connection.close() for connection in self._open.values()), return_exceptions=True)

    # --- parts ---------------------------------------------------------------------------------------------

    def _introduction(self) -> Said:
        known = {"sessionId": self._session_id, "visitorName": VISITOR_NAME, "title": VISITOR_NAME}
        return known | ({"visitorToken": self._visitor_token} if self._visitor_token else {})

    def _is_ours(self, payload: Said) -> bool:
        return bool(payload["conversationId"] == self.conversation_id)

    async def _write(self, writer: Connection, event: str, text: str) -> Said:
        client_id = str(uuid.uuid4())
        self._said.append((text, client_id))
        return await writer.ask(event, conversationId=self.conversation_id, bodyText=text, clientId=client_id)

    async def _say(self, writer: Connection, event: str, text: str, readers: list[Connection]) -> Said:
        """Writes; how long it took to the last reader, milliseconds."""
        began = time.perf_counter()
        message = await self._write(writer, event, text)
        for reader in readers:
            await reader.hear("message_new", lambda heard: heard["id"] == message["id"])
        return {"ms": (time.perf_counter() - began) * 1000}

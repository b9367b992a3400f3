"""An agent who joins every conversation and must see every message, however often the connection breaks.

Does what a console does: after a break it joins again from the place where it stood, and who sees a hole in the numbers
asks for what is missing. At the end it asks for everything that is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kefu.chaos.clients import Client, answer, back_off
from kefu.chaos.ledger import Ledger
from kefu.client.address import Address, LostError, RefusedError
from kefu.client.websocket import WebSocket

PAGE_MAX = 200
AUTH_TIMEOUT_S = 10.0


@dataclass(slots=True)
class _Place:
    """How far the agent has read a conversation."""

    seq: int = 0
    id: str | None = None
    has_hole: bool = False


class Agent(Client):
    """The agent.

    Attributes:
        failure: Why the server does not take it, if it does not.
    """

    def __init__(self, address: Address, ledger: Ledger, token: str) -> None:
        super().__init__(address, "/ws-admin")
        self.failure = ""
        self._ledger = ledger
        self._token = token
        self._places: dict[str, _Place] = {}
        self._unjoined: set[str] = set()
        self._work = asyncio.Event()
        self._authed: asyncio.Future[None] | None = None

    def join(self, conversation_id: str) -> None:
        """Wants this conversation too."""
        if conversation_id not in self._places:
            self._places[conversation_id] = _Place()
            self._unjoined.add(conversation_id)
            self._work.set()

    def hear(self, event: str, payload: Any) -> None:
        """Takes messages, and the answers to the token."""
        if event == "message_new":
            self._take(payload["conversationId"], [payload])
        elif event == "admin_authed" and self._authed and not self._authed.done():
            self._authed.set_result(None)
        elif event == "error" and self._authed and not self._authed.done():
            if payload.get("error") == "UNAVAILABLE":
                self._authed.set_exception(LostError("the server cannot check tokens now"))
            else:
                text = f"the agent's token was refused: {payload.get('error')}: {payload.get('message')}"
                self._authed.set_exception(RefusedError(text))

    async def run(self) -> None:
        """Follows the conversations until cancelled, or the server refuses the agent."""
        attempt = 0
        while not self.failure:
            try:
                connection = await self.enter()
                attempt = 0
                self._unjoined = set(self._places)
                await self._follow(connection)
            except LostError:
                await back_off(attempt)
                attempt += 1
            except RefusedError as error:
                self.failure = str(error)

    async def enter(self) -> WebSocket:
        """A connection with a token that was taken.

        Raises:
            LostError: Nobody answers.
            RefusedError: The token is not taken.
        """
        self._authed = asyncio.get_running_loop().create_future()
        connection = await self.open({"token": self._token})
        lost = asyncio.ensure_future(connection.lost.wait())
        either: list[asyncio.Future[Any]] = [self._authed, lost]
        try:
            await asyncio.wait(either, timeout=AUTH_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if not self._authed.done():
            connection.abort()
            raise LostError("no answer to the token")
        self._authed.result()
        return connection

    async def read_stored(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that the server has of the conversations, asked on a connection of its own.

        Raises:
            RefusedError: The server does not tell.
        """
        attempt = 0
        stored: dict[str, list[dict[str, Any]]] = {}
        while True:
            try:
                connection = await self.enter()
                for conversation_id in self._places.keys() - stored.keys():
                    stored[conversation_id] = await _read_all(connection, conversation_id)
            except LostError:
                await back_off(attempt)
                attempt += 1
            else:
                return stored

    async def _follow(self, connection: WebSocket) -> None:
        while True:
            self._work.clear()
            for conversation_id in list(self._unjoined):
                await self._catch_up(connection, "admin_join", conversation_id)
                self._unjoined.discard(conversation_id)
            for conversation_id, place in list(self._places.items()):
                if place.has_hole:
                    await self._catch_up(connection, "admin_sync", conversation_id)
            waits = [asyncio.ensure_future(self._work.wait()), asyncio.ensure_future(connection.lost.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if connection.lost.is_set():
                raise LostError("the connection ended")

    async def _catch_up(self, connection: WebSocket, event: str, conversation_id: str) -> None:
        """Asks for what came after the agent's place, page by page."""
        place = self._places[conversation_id]
        place.has_hole = False
        more = True
        while more:
            known = {"conversationId": conversation_id, "afterSeq": place.seq, "afterId": place.id}
            got = await answer(connection, event, known)
            if not got.get("ok"):
                raise RefusedError(f"{event} was refused: {got.get('error')}: {got.get('message')}")
            if got.get("reset") and place.seq:
                place.seq, place.id = 0, None  # the page is the newest one; what is before it counts too
                continue
            self._take(conversation_id, got["messages"], is_page=True)
            more, event = bool(got["more"]), "admin_sync"

    def _take(self, conversation_id: str, messages: Iterable[dict[str, Any]], *, is_page: bool = False) -> None:
        """Takes messages at the agent's place; one beyond a hole is left for the page that is asked for then."""
        place = self._places.get(conversation_id)
        if place is None:
            return
        for message in messages:
            seq = message["seq"]
            if seq == place.seq + 1 or (is_page and seq > place.seq):
                place.seq, place.id = seq, message["id"]
                self._ledger.delivered(message)
            elif seq <= place.seq:
                self._ledger.delivered(message)
            else:
                place.has_hole = True
                self._work.set()


async def _read_all(connection: WebSocket, conversation_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        known = {"conversationId": conversation_id, "limit": PAGE_MAX, "afterSeq": 0, "afterId": None}
        if found:
            known |= {"afterSeq": found[-1]["seq"], "afterId": found[-1]["id"]}
        got = await answer(connection, "admin_sync", known)
        if not got.get("ok"):
            raise RefusedError(f"admin_sync was refused: {got.get('error')}: {got.get('message')}")
        found += got["messages"]
        if not got["more"]:
            return found

"""A visitor who sends numbered messages through whatever happens to the connection.

Keeps what is not acked and sends it again, in order, under the same client id.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from typing import Any

from kefu.chaos.clients import TRY_AGAIN, Client, back_off, patience_s
from kefu.chaos.ledger import Entry, Ledger
from kefu.client.address import Address, LostError, RefusedError
from kefu.client.session import ANSWER_TIMEOUT_S
from kefu.client.websocket import Fault, WebSocket

TOGETHER_MAX = 4
"""Messages that are sent without waiting for each other's ack."""
HELLO_PATIENCE_S_MAX = 20.0
UNDER_WAY_SHARE = 0.5
"""How many faults wait for messages to be under way: between a commit and its ack nothing else would hit."""
UNDER_WAY_S_MAX = 0.01


class Visitor(Client):
    """One visitor.

    Attributes:
        conversation_id: Empty before the first hello was answered.
        failure: Why the visitor gave up, if it did.
    """

    def __init__(
        self,
        address: Address,
        ledger: Ledger,
        number: int,
        *,
        messages: int,
        interval_s: float,
        on_conversation: Callable[[str], None],
    ) -> None:
        super().__init__(address, "/ws-visitor")
        self.conversation_id = ""
        self.failure = ""
        self._ledger = ledger
        self._entries = [ledger.entry(number, n + 1) for n in range(messages)]
        self._interval_s = interval_s
        self._on_conversation = on_conversation
        self._session_id = f"chaos_{uuid.uuid4()}"
        self._token: str | None = None
        self._name = f"Chaos {number}"
        self._armed: Fault | None = None
        self._together_max = TOGETHER_MAX

    @property
    def unacked(self) -> list[Entry]:
        """What has not got an ack, in the order of sending."""
        return [entry for entry in self._entries if entry.ack is None]

    def hear(self, event: str, payload: Any) -> None:
        """A new conversation takes the place of a closed one."""
        if event == "conversation_open":
            self._open_conversation(payload["conversationId"])

    def break_connection(self, fault: Fault) -> bool:
        """Breaks the connection, half of the times not before the next messages are under way."""
        if random.random() < UNDER_WAY_SHARE:  # noqa: S311 - dice, no secret
            self._armed = fault
            return True
        return super().break_connection(fault)

    async def run(self) -> None:
        """Sends everything, however often the connection breaks; returns when all is acked, or on giving up."""
        attempt = 0
        try:
            while self.unacked:
                try:
                    connection = await self.open()
                    await self._greet(connection)
                    attempt = 0
                    await self._send(connection)
                except LostError:
                    await back_off(attempt)
                    attempt += 1
        except RefusedError as error:
            self.failure = str(error)

    async def _greet(self, connection: WebSocket) -> None:
        hello = {"sessionId": self._session_id, "visitorName": self._name, "visitorToken": self._token}
        while True:
            got = await connection.answer("visitor_hello", hello)
            if got.get("ok"):
                break
            if got.get("error") not in TRY_AGAIN or patience_s(got) > HELLO_PATIENCE_S_MAX:
                wait = f", for {got['retryAfterMs'] // 1000} s" if got.get("retryAfterMs") else ""
                raise RefusedError(f"visitor_hello was refused: {got.get('error')}{wait}: {got.get('message')}")
            await asyncio.sleep(patience_s(got))
        self._open_conversation(got["conversationId"])
        self._token = got["visitorToken"] or self._token

    def _open_conversation(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self._on_conversation(conversation_id)

    async def _send(self, connection: WebSocket) -> None:
        while waiting := self.unacked:
            together = waiting[: random.randint(1, self._together_max)]  # noqa: S311
            answers = [connection.ask("visitor_message", self._message(entry)) for entry in together]
            await self._break_under_way()
            _, late = await asyncio.wait(answers, timeout=ANSWER_TIMEOUT_S)
            if late:
                connection.abort()
            await self._take(together, answers)
            await asyncio.sleep(self._interval_s * len(together) * random.uniform(0.5, 1.5))  # noqa: S311

    async def _break_under_way(self) -> None:
        """After a moment in which the server may have stored, or even answered, or not yet read."""
        fault, self._armed = self._armed, None
        if fault is not None:
            await asyncio.sleep(random.choice((0, random.uniform(0, UNDER_WAY_S_MAX))))  # noqa: S311
            super().break_connection(fault)

    def _message(self, entry: Entry) -> dict[str, Any]:
        entry.sendings += 1
        return {
            "conversationId": self.conversation_id,
            "bodyText": f"chaos {entry.visitor}/{entry.number}",
            "clientId": entry.client_id,
        }

    async def _take(self, together: list[Entry], answers: list[asyncio.Future[dict[str, Any]]]) -> None:
        """Notes the answers that came; then waits if the server asked for it.

        Raises:
            LostError: Some answers will not come.
            RefusedError: A message is refused for good.
        """
        refusals = []
        for entry, answer in zip(together, answers, strict=True):
            if answer.done() and answer.exception() is None:
                self._ledger.answered(entry, answer.result())
                if entry.ack is None:
                    refusals.append(answer.result())
        for answer in answers:
            await answer
        for refusal in refusals:
            if refusal.get("error") not in {*TRY_AGAIN, "CONVERSATION_CLOSED"}:
                raise RefusedError(f"a message was refused: {refusal.get('error')}: {refusal.get('message')}")
        self._together_max = 1 if refusals else TOGETHER_MAX
        if refusals:
            await asyncio.sleep(max(map(patience_s, refusals)))

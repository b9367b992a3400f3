"""A Socket.IO client's side of a connection: its events and acks, whatever carries the packets.

Knows Engine.IO 4 and Socket.IO 5 as far as text events and acks need; nothing of what is said, and no network.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from kefu.client.address import LostError, RefusedError

OPEN_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 15.0


class Session:
    """One connection. A subclass sends packets with `transmit` and hands over what came with `packet`.

    Args:
        on_event: Gets each event's name and payload.
    """

    def __init__(self, on_event: Callable[[str, Any], None]) -> None:
        self._on_event = on_event
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next_id = 0
        self._auth: dict[str, str] = {}
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the namespace is connected; a `RefusedError` if it was not."""
        self.lost = asyncio.Event()
        """Set when nothing more will come."""

    def transmit(self, text: str) -> None:
        """Sends a packet, if there is still a connection."""
        raise NotImplementedError

    def abort(self) -> None:
        """Ends the connection without a word. Safe to call twice."""
        raise NotImplementedError

    # --- for whoever talks ---------------------------------------------------------------------------------

    def ask(self, event: str, payload: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        """Sends an event at once; the future gets its ack, or `LostError`."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if self.lost.is_set() or not self.opened.done():
            answer.set_exception(LostError("not connected"))
            answer.exception()  # whoever waits hears it; nobody has to
            return answer
        self._answers[self._next_id] = answer
        self.transmit(f"42{self._next_id}" + json.dumps([event, payload]))
        self._next_id += 1
        return answer

    async def answer(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Sends an event and waits for its ack.

        Raises:
            LostError: The connection went, or no ack came in time; then it is broken off.
        """
        try:
            return await asyncio.wait_for(self.ask(event, payload), ANSWER_TIMEOUT_S)
        except TimeoutError:
            self.abort()
            raise LostError(f"no ack to {event} in {ANSWER_TIMEOUT_S:g} s") from None

    # --- for whoever carries -------------------------------------------------------------------------------

    def packet(self, text: str) -> None:
        """A packet came."""
        if text == "2":
            self.transmit("3")
        elif text.startswith("42"):
            event, *args = json.loads(text[2:])
            self._on_event(event, args[0] if args else None)
        elif text.startswith("43"):
            at = text.index("[")
            self._answered(int(text[2:at]), json.loads(text[at:]))
        elif text.startswith("44") and not self.opened.done():
            self.opened.set_exception(RefusedError(f"CONNECT was refused: {text[2:200]}"))
        elif text.startswith("40") and not self.opened.done():
            self.opened.set_result(None)
        elif text.startswith("0"):
            self.transmit("40" + (json.dumps(self._auth) if self._auth else ""))
        elif text in ("1", "41"):
            self.abort()

    def gone(self) -> None:
        """Nothing more will come: whoever waits for an answer hears it."""
        if self.lost.is_set():
            return
        self.lost.set()
        waiting: list[asyncio.Future[Any]] = [*self._answers.values(), self.opened]
        self._answers.clear()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(LostError("the connection ended"))
                answer.exception()  # whoever waits hears it; nobody has to

    def _answered(self, number: int, args: list[Any]) -> None:
        answer = self._answers.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(cast("dict[str, Any]", args[0]))


def refusal(path: str, status: int) -> RefusedError:
    """What a handshake that was answered with an HTTP error means."""
    hint = "; is its origin allowed? see --origin" if status == 403 else ""
    return RefusedError(f"{path} answered {status} to the handshake{hint}")

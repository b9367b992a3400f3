"""One socket of a visitor or an agent, and everything that it heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from kefu.accept.checks import CheckError
from kefu.client.address import Address
from kefu.client.polling import Polling
from kefu.client.websocket import WebSocket

Transport = Literal["websocket", "polling"]

HEAR_S_MAX = 10.0
PATIENCE_S_MAX = 15.0
"""How long a check waits altogether when the server asks it to try again later."""
_TRY_AGAIN = frozenset({"RATE_LIMITED", "COOLDOWN", "UNAVAILABLE"})


class Connection:
    """A socket.

    Args:
        who: For messages: `visitor by polling`.
    """

    def __init__(self, who: str, transport: Transport) -> None:
        self.who = f"{who} by {transport}"
        self._heard: list[tuple[str, Any]] = []
        self._more = asyncio.Event()
        self._session = WebSocket(self._hear) if transport == "websocket" else Polling(self._hear)

    async def open(self, address: Address, path: str, auth: dict[str, str] | None = None) -> Connection:
        """Connects.

        Raises:
            LostError: Nobody answers.
            RefusedError: The server refuses this client.
        """
        await self._session.open(address, path, auth)
        return self

    async def ask(self, event: str, **payload: Any) -> dict[str, Any]:
        """Sends an event and waits for a good ack, as long as the server asks for patience.

        Raises:
            CheckError: The server says no.
            LostError: The connection went.
        """
        end = asyncio.get_running_loop().time() + PATIENCE_S_MAX
        while True:
            got = await self._session.answer(event, payload)
            if got.get("ok"):
                return got
            wait_s = int(got.get("retryAfterMs") or 1000) / 1000
            if got.get("error") not in _TRY_AGAIN or asyncio.get_running_loop().time() + wait_s > end:
                raise CheckError("no_answer", event=event, error=got.get("error"), message=got.get("message"))
            await asyncio.sleep(wait_s)

    async def hear(self, event: str, is_it: Callable[[Any], bool] = lambda _: True) -> Any:
        """Waits for an event, or finds it among those that came; its payload.

        Raises:
            CheckError: It does not come.
        """
        try:
            async with asyncio.timeout(HEAR_S_MAX):
                while True:
                    for name, payload in self._heard:
                        if name == event and is_it(payload):
                            return payload
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise CheckError("not_heard", who=self.who, event=event, seconds=HEAR_S_MAX) from None

    async def close(self) -> None:
        """Ends it as a client does that goes."""
        if isinstance(self._session, WebSocket):
            self._session.end("close")
        else:
            await self._session.close()

    def _hear(self, event: str, payload: Any) -> None:
        self._heard.append((event, payload))
        self._more.set()

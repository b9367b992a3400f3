"""A Socket.IO client that polls: one request waits for packets, others bring some. It never moves to a websocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus

from kefu.client.address import Address, LostError
from kefu.client.http import fetch
from kefu.client.session import OPEN_TIMEOUT_S, Session, refusal

POLL_TIMEOUT_S = 60.0
"""Longer than the server's ping interval: a poll ends with a ping at the latest."""
_SEPARATOR = "\x1e"
_BINARY = "b"


class Polling(Session):
    """One connection by long polling."""

    async def open(self, address: Address, path: str, auth: dict[str, str] | None = None) -> Polling:
        """Connects to the namespace.

        Raises:
            LostError: Nobody answers; later somebody may.
            RefusedError: The server refuses this client.
        """
        self._auth = auth or {}
        self._address = address
        self._unsent: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                first = await self._request(address.polling(path), path)
                self._url = address.polling(path, json.loads(first[1:])["sid"])
                self.packet(first)
                self._tasks = [asyncio.create_task(self._poll(path)), asyncio.create_task(self._post(path))]
                await self.opened
        except TimeoutError:
            self.abort()
            raise LostError(f"{path}: no connection by polling in {OPEN_TIMEOUT_S:g} s") from None
        except (ValueError, KeyError, TypeError):
            self.abort()
            raise LostError(f"{path}: what answers is no Engine.IO server") from None
        except ConnectionError:
            self.abort()
            raise
        return self

    def transmit(self, text: str) -> None:
        """Sends a packet, if there is still a connection."""
        self._unsent.put_nowait(text)

    def abort(self) -> None:
        """Ends the connection without a word; the server notices that nobody polls. Safe to call twice."""
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        self.gone()

    async def close(self) -> None:
        """Says goodbye, so that the server need not wait for the next ping to notice."""
        if not self.lost.is_set():
            with contextlib.suppress(ConnectionError):
                await self._request(self._url, "close", body="1")
        self.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _poll(self, path: str) -> None:
        with contextlib.suppress(ConnectionError):
            while not self.lost.is_set():
                for packet in (await self._request(self._url, path)).split(_SEPARATOR):
                    if not packet.startswith(_BINARY):
                        self.packet(packet)
        self.abort()

    async def _post(self, path: str) -> None:
        with contextlib.suppress(ConnectionError):
            while not self.lost.is_set():
                packets = [await self._unsent.get()]
                while not self._unsent.empty():
                    packets.append(self._unsent.get_nowait())
                await self._request(self._url, path, body=_SEPARATOR.join(packets))
        self.abort()

    async def _request(self, url: str, path: str, body: str | None = None) -> str:
        """One request and its answer as text.

        Raises:
            LostError: No answer.
            RefusedError: The server refuses this client.
        """
        headers = self._address.headers | ({"Content-Type": "text/plain;charset=UTF-8"} if body is not None else {})
        answer = await fetch(
            url,
            method="GET" if body is None else "POST",
            headers=headers,
            body=(body or "").encode(),
            context=self._address.ssl,
            timeout_s=POLL_TIMEOUT_S,
        )
        if answer.status == HTTPStatus.OK:
            return answer.body.decode()
        if answer.status < 500 and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            raise refusal(path, answer.status)
        raise LostError(f"{path} answered {answer.status} to polling")

"""Rooms: which connections hear what, and events that are encoded once for all of them.

Knows names and connections of this process only; what a room means is its user's business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from kefu.transport.endpoint import Connection, EncodedEvent
from kefu.transport.server.frames import message_frame, message_frames
from kefu.transport.socketio import packets

_NOBODY: frozenset[Connection] = frozenset()


class _Encoded(msgspec.Struct, gc=False):
    """An event as bytes, for polling and for websockets."""

    packet: bytes
    frame: bytes
    attachments: Sequence[bytes] = ()


def encode_event(event: str, *args: object) -> EncodedEvent:
    """Encodes an event once for any number of connections.

    Raises:
        TypeError: If JSON cannot say an argument.
    """
    packet, attachments = packets.encode_event(event, args)
    return _Encoded(packet, message_frames(packet, attachments), attachments)


def wrap_event(event: str, text: bytes) -> EncodedEvent:
    """An event with one argument that is JSON already."""
    packet = packets.wrap_event(event, text)
    return _Encoded(packet, message_frame(packet))


class RoomWatcher(Protocol):
    """Who wants to know which rooms have somebody in them. Neither call may join or leave a room."""

    def opened(self, room: str) -> None:
        """The first connection has entered."""

    def emptied(self, room: str) -> None:
        """The last connection has left."""


class Rooms:
    """Who is where. Joining and leaving take the same time in any crowd; an empty room does not exist.

    Attributes:
        watcher: Hears of rooms that open and empty from now on; None: nobody does.
    """

    __slots__ = ("_members", "_rooms", "watcher")

    def __init__(self) -> None:
        self.watcher: RoomWatcher | None = None
        self._members: dict[str, set[Connection]] = {}
        # One name where a connection is in one room, as visitors are; a set costs 200 bytes more.
        self._rooms: dict[Connection, str | set[str]] = {}

    def join(self, room: str, connection: Connection) -> None:
        """Puts the connection into the room; nothing happens if it is there."""
        members = self._members.get(room)
        if members is None:
            members = self._members[room] = set()
            if self.watcher is not None:
                self.watcher.opened(room)
        members.add(connection)
        rooms = self._rooms.get(connection)
        if rooms is None:
            self._rooms[connection] = room
        elif isinstance(rooms, set):
            rooms.add(room)
        elif rooms != room:
            self._rooms[connection] = {rooms, room}

    def leave(self, room: str, connection: Connection) -> None:
        """Takes the connection out of the room; nothing happens if it is not there."""
        rooms = self._rooms.get(connection)
        if isinstance(rooms, set):
            rooms.discard(room)
        elif rooms == room:
            del self._rooms[connection]
        self._remove(room, connection)

    def leave_all(self, connection: Connection) -> None:
        """Takes the connection out of all its rooms."""
        rooms = self._rooms.pop(connection, None)
        if rooms is None:
            return
        for room in (rooms,) if isinstance(rooms, str) else rooms:
            self._remove(room, connection)

    def members(self, room: str) -> Collection[Connection]:
        """Who is in the room now: a view, not to be kept while others join or leave."""
        return self._members.get(room, _NOBODY)

    def broadcast(self, room: str, encoded: EncodedEvent, skip: Connection | None = None) -> None:
        """Queues an encoded event for everybody in the room but `skip`."""
        for connection in self._members.get(room, _NOBODY):
            if connection is not skip:
                connection.send_encoded(encoded)

    def _remove(self, room: str, connection: Connection) -> None:
        members = self._members.get(room)
        if members is not None:
            members.discard(connection)
            if not members:
                del self._members[room]
                if self.watcher is not None:
                    self.watcher.emptied(room)

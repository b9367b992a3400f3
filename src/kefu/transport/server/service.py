"""What a path is served by, whichever protocol that is: who may come in, and what a client of it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kefu.transport.endpoint import Endpoint, Handshake, Namespaces
from kefu.transport.engineio.session import State
from kefu.transport.messages import Messages
from kefu.transport.server.client import Client
from kefu.transport.server.hub import Hub
from kefu.transport.server.message_client import MessageClient
from kefu.transport.server.socket_client import SocketClient
from kefu.transport.socketio.packets import ROOT

Served = Endpoint | Namespaces | Messages
"""What `TransportServer` takes for a path: an endpoint of `/`, several namespaces, or Engine.IO alone."""


@dataclass(frozen=True, slots=True)
class Service:
    """One path.

    Attributes:
        admits_origin: As an endpoint's.
        new_client: Makes a client; its channel is the caller's to set.
    """

    admits_origin: Callable[[Handshake], bool]
    new_client: Callable[[Hub, Handshake, State], Client]


def service(served: Served) -> Service:
    """The service of what was given for a path."""
    if isinstance(served, Messages):
        endpoint = served.endpoint
        return Service(endpoint.admits_origin, lambda hub, *how: MessageClient(hub, endpoint, *how))
    namespaces = served.endpoints if isinstance(served, Namespaces) else {ROOT: served}

    def admits_origin(handshake: Handshake) -> bool:
        return all(endpoint.admits_origin(handshake) for endpoint in namespaces.values())

    return Service(admits_origin, lambda hub, *how: SocketClient(hub, namespaces, *how))

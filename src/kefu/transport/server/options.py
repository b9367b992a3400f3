"""Every limit of the transport, named, with its unit last and a default."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from kefu.transport.address import LOOPBACK


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Limits and times. Whoever passes one loses their own connection or request, nobody else's.

    Attributes:
        ping_interval_ms: Between two pings to a client.
        ping_timeout_ms: How long a client may take to answer one; shorter than the interval.
        message_bytes_max: A websocket message, a polling request body, or a binary packet with its attachments.
        message_seconds_max: Until a frame, and all fragments of a message, are there; it is cut off between half of
            this and all of it.
        fragments_max: Frames that one websocket message may be cut into.
        attachments_max: Binary attachments of one packet.
        packets_per_poll_max: Packets in one polling request.
        packets_per_answer_max: Packets in the answer to a poll; the rest waits for the next. python-engineio's client
            takes no more than 16.
        packets_per_second_max: Packets from one client.
        json_depth_max: Arrays and objects inside each other.
        header_bytes_max: Request line and headers of an HTTP request.
        handshake_seconds_max: Until the headers are complete; again until the namespace is connected; again for an
            upgrade from polling.
        body_seconds_max: Until the body of a polling request is complete.
        close_seconds_max: Until a client has answered our closing; then the socket is cut.
        stop_seconds_max: Until all sockets are closed when the server stops.
        outbox_bytes_max: What may wait for a slow reader.
        connections_max: All connections of this server.
        connections_per_address_max: Connections of one client address (IPv6: of its /64).
        handshakes_per_second_max: New connections of one client address. Both counts leave loopback out: there it is
            a program on this machine, or a proxy that does not say for whom it speaks.
        trusted_networks: Peers whose `X-Forwarded-For` is believed.
    """

    ping_interval_ms: int = 25_000
    ping_timeout_ms: int = 20_000
    message_bytes_max: int = 64 * 1024
    message_seconds_max: float = 20.0
    fragments_max: int = 128
    attachments_max: int = 10
    packets_per_poll_max: int = 1000
    packets_per_answer_max: int = 16
    packets_per_second_max: int = 1000
    json_depth_max: int = 32
    header_bytes_max: int = 16 * 1024
    handshake_seconds_max: float = 10.0
    body_seconds_max: float = 10.0
    close_seconds_max: float = 2.0
    stop_seconds_max: float = 5.0
    outbox_bytes_max: int = 1024 * 1024
    connections_max: int = 50_000
    connections_per_address_max: int = 1000
    handshakes_per_second_max: int = 100
    trusted_networks: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK

    def __post_init__(self) -> None:
        """Refuses what cannot work.

        Raises:
            ValueError: If a limit is not positive, or a ping may take as long as the interval.
        """
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, int | float) and value <= 0:
                raise ValueError(f"expected {name} above 0, got {value}")
        if self.ping_timeout_ms >= self.ping_interval_ms:
            raise ValueError("expected ping_timeout_ms below ping_interval_ms")

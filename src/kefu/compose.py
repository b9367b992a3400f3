"""The composition root: the only file that picks backends and joins the layers. What then runs is in `app.py`."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from litestar import Litestar

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.change import Changer
from kefu.actions.compare import Comparer
from kefu.actions.follow import Follower
from kefu.actions.hear import Hearer
from kefu.actions.note import NoteWriter
from kefu.actions.open import Opener
from kefu.actions.publish import Publisher
from kefu.actions.read import ReadMarker
from kefu.actions.send import Sender
from kefu.api.doctor import Doctor
from kefu.api.files import Files
from kefu.api.http import create_http
from kefu.bus.envelope import Seal
from kefu.bus.memory import MemoryBus
from kefu.bus.nats import NatsBus
from kefu.bus.port import Bus
from kefu.config import Settings, reveal
from kefu.doctor.inside import Inside
from kefu.gateway.agent import AgentGateway
from kefu.gateway.agent_entrance import AgentEntrance
from kefu.gateway.agent_reader import AgentReader
from kefu.gateway.auth import AgentAuthenticator
from kefu.gateway.limits import Limits
from kefu.gateway.origins import OriginRule
from kefu.gateway.revoke import Revoker
from kefu.gateway.visitor import VisitorGateway
from kefu.gateway.visitor_entrance import VisitorEntrance
from kefu.store.append import Appender
from kefu.store.database import Database, Installation
from kefu.transport.address import parse_networks
from kefu.transport.rooms import Rooms
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.serve import TransportServer
from kefu.transport.server.workers import Worker

VISITOR_PATH = "/ws-visitor"
AGENT_PATH = "/ws-admin"

STOP_SHARE_COMMIT, STOP_SHARE_SOCKETS, STOP_SHARE_REQUESTS = 0.5, 0.25, 0.25
"""How the stop deadline is shared out: messages under way, then sockets, then requests."""

_SAME_NAMES = (
    "ping_interval_ms",
    "ping_timeout_ms",
    "message_bytes_max",
    "message_seconds_max",
    "fragments_max",
    "attachments_max",
    "packets_per_poll_max",
    "packets_per_second_max",
    "json_depth_max",
    "header_bytes_max",
    "handshake_seconds_max",
    "body_seconds_max",
    "outbox_bytes_max",
    "connections_max",
    "connections_per_address_max",
    "handshakes_per_second_max",
)
"""Settings that are the transport's options under the same name."""


@dataclass(frozen=True, slots=True)
class ChatServer:
    """The joined parts that live as long as the process serves."""

    appender: Appender
    announcer: InboxAnnouncer
    comparer: Comparer
    publisher: Publisher
    hearer: Hearer
    revoker: Revoker
    agents: AgentEntrance
    transport: TransportServer
    http: Litestar
    files: Files


def join(
    settings: Settings, database: Database, installation: Installation, port: int, worker: Worker | None = None
) -> ChatServer:
    """Makes every part and gives each what it needs."""
    url, secret = database.url, reveal(settings.admin_jwt_secret)
    assert secret is not None
    files = Files()
    reopen = dt.timedelta(hours=settings.reopen_hours)
    publisher = Publisher(Rooms(), make_bus(settings))
    announcer = InboxAnnouncer(database, publisher)
    comparer = Comparer(database, publisher, announcer)
    appender = Appender(
        url,
        reopen=reopen,
        batch_max=settings.append_batch_max,
        queue_max=settings.append_queue_max,
        deadline_ms=settings.append_deadline_ms,
    )
    sender = Sender(database, appender, publisher, announcer, comparer)
    follower = Follower(database, publisher)
    reads = ReadMarker(database, publisher, announcer)
    limits = Limits(settings)
    opener = Opener(database, installation, reopen)
    visitor_origins = OriginRule(settings.allowed_origins, "CHAT_ALLOWED_ORIGINS")
    agent_origins = OriginRule(settings.admin_allowed_origins, "ADMIN_ALLOWED_ORIGINS")
    visitors = VisitorGateway(
        database=database,
        epoch=installation.epoch,
        opener=opener,
        sender=sender,
        entrance=VisitorEntrance(
            epoch=installation.epoch,
            opener=opener,
            follower=follower,
            publisher=publisher,
            presence=publisher.presence,
            limits=limits,
        ),
        reads=reads,
        publisher=publisher,
        limits=limits,
        origins=visitor_origins,
    )
    entrance = AgentEntrance(
        authenticator=AgentAuthenticator(database, secret, settings.role_map),
        publisher=publisher,
        presence=publisher.presence,
        limits=limits,
        join_deadline_s=settings.join_deadline_s,
        clock=time.time,
    )
    revoker = Revoker(database, entrance)
    agents = AgentGateway(
        entrance=entrance,
        reader=AgentReader(
            database=database,
            epoch=installation.epoch,
            entrance=entrance,
            follower=follower,
            publisher=publisher,
            limits=limits,
        ),
        sender=sender,
        changer=Changer(database, publisher, announcer),
        notes=NoteWriter(database, publisher, announcer),
        reads=reads,
        publisher=publisher,
        limits=limits,
        origins=agent_origins,
    )
    transport = TransportServer({VISITOR_PATH: visitors, AGENT_PATH: agents}, _options(settings), worker)
    inside = Inside(
        settings,
        refused_lately=lambda: [*visitor_origins.refused_lately(), *agent_origins.refused_lately()],
        missing_files=files.missing,
        is_bus_away=lambda: publisher.bus.state == "away",
    )
    doctor = _doctor(settings, inside, database, secret)
    http = create_http(
        database, publisher.bus, files, port, reveal(settings.metrics_token), doctor=doctor, worker=worker
    )
    return ChatServer(
        appender,
        announcer,
        comparer,
        publisher,
        Hearer(publisher, announcer, comparer, revoker.soon),
        revoker,
        entrance,
        transport,
        http,
        files,
    )


def _doctor(settings: Settings, inside: Inside, database: Database, secret: str) -> Doctor:
    return Doctor(
        inside,
        database,
        secret,
        settings.role_map,
        frozenset(settings.admin_allowed_origins),
        settings.trusted_proxies,
        parse_networks(settings.trusted_proxies),
    )


def make_bus(settings: Settings) -> Bus:
    """NATS if there is an address, else the bus of a node that is alone."""
    url, secret = reveal(settings.nats_url), reveal(settings.admin_jwt_secret)
    return MemoryBus() if url is None else NatsBus(url, Seal(secret or ""))


def _options(settings: Settings) -> TransportOptions:
    same = {name: getattr(settings, name) for name in _SAME_NAMES}
    return TransportOptions(
        **same,
        stop_seconds_max=settings.stop_deadline_s * STOP_SHARE_SOCKETS,
        trusted_networks=parse_networks(settings.trusted_proxies),
    )

"""Every setting of both programs, declared once with its meaning, unit and default.

Knows the environment and `.env`; knows nothing of sockets, SQL or HTTP. Documentation is generated from here.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kefu import config_rules
from kefu.tokens import ROLES

CommaList = Annotated[tuple[str, ...], NoDecode]

ENV_FILE_VARIABLE = "KEFU_ENV_FILE"
"""Names the file of settings; unset, it is `.env` of the current folder, which may be missing."""


class ConfigError(ValueError):
    """Settings that must stop the start; `problems` holds one line each, ready to print."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def default_data_dir() -> Path:
    """Where the embedded database and files live when `KEFU_DATA_DIR` is unset."""
    return Path("/var/lib/kefu") if hasattr(os, "geteuid") and os.geteuid() == 0 else Path("data")


class Settings(BaseSettings):
    """The settings of chat-server and main site (contract section 1)."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        # For attribute names only: they come from code, and HOST or PORT of an environment are somebody else's.
        env_prefix="KEFU_ATTRIBUTE_",
        case_sensitive=False,
    )

    # --- chat-server -------------------------------------------------------------------------------------
    host: str = Field("127.0.0.1", validation_alias="KEFU_HOST", description="Address to listen on.")
    port: int = Field(4000, ge=1, le=65535, validation_alias="CHAT_SERVER_PORT", description="Port of chat-server.")
    database_url: SecretStr | None = Field(
        None,
        validation_alias="CHAT_DATABASE_URL",
        description="`postgresql://…`, or `embedded`. `kefu up` uses the embedded PostgreSQL when it is unset.",
    )
    admin_jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="CHAT_ADMIN_JWT_SECRET",
        description="HS256 secret of agents' tokens, 32 bytes or more, the same for chat-server and main site.",
    )
    allowed_origins: CommaList = Field(
        (),
        validation_alias="CHAT_ALLOWED_ORIGINS",
        description="Origins that may embed the widget, comma-separated, exact: `https://shop.example`.",
    )
    admin_allowed_origins: CommaList = Field(
        (),
        validation_alias="ADMIN_ALLOWED_ORIGINS",
        description="Origins that may open the agents' console, comma-separated, exact.",
    )
    trusted_proxies: CommaList = Field(
        ("127.0.0.0/8", "::1/128"),
        validation_alias="CHAT_TRUSTED_PROXIES",
        description="Networks whose `X-Forwarded-For` is believed, comma-separated. Default: loopback.",
    )
    ws_rate_per_min: int = Field(
        30, ge=1, validation_alias="CHAT_WS_RATE_PER_MIN", description="New messages a visitor a minute."
    )
    ws_rate_burst: int = Field(
        20, ge=1, validation_alias="KEFU_WS_RATE_BURST", description="Messages a visitor may send at once."
    )
    rate_limit_ms: int = Field(
        0, ge=0, validation_alias="RATE_LIMIT_MS", description="Pause between two messages, milliseconds."
    )
    rest_rate_per_min: int = Field(
        60, ge=1, validation_alias="CHAT_REST_RATE_PER_MIN", description="REST calls an address a minute."
    )
    address_rate_per_min: int = Field(
        600,
        ge=1,
        validation_alias="KEFU_ADDRESS_RATE_PER_MIN",
        description="Visitors' messages a client address a minute (IPv6 by /64).",
    )
    new_per_address_per_hour: int = Field(
        30,
        ge=1,
        validation_alias="KEFU_NEW_PER_ADDRESS_PER_HOUR",
        description="New conversations a client address an hour.",
    )
    agent_rate_per_min: int = Field(
        240, ge=1, validation_alias="KEFU_AGENT_RATE_PER_MIN", description="An agent's messages a minute."
    )
    failures_per_min: int = Field(
        10,
        ge=1,
        validation_alias="KEFU_FAILURES_PER_MIN",
        description="Failed logins, tokens and hellos a client address a minute.",
    )
    internal_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        validation_alias="KEFU_INTERNAL_PORT",
        description="Loopback port for metrics, health and ready. Unset: off.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        validation_alias="KEFU_METRICS_TOKEN",
        description="Shows `/metrics` on the public port to who sends it as Bearer, 32 bytes or more.",
    )
    reopen_hours: int = Field(
        24,
        ge=0,
        validation_alias="KEFU_REOPEN_HOURS",
        description="Hours within which a visitor's message reopens their closed conversation.",
    )
    identity_secret: SecretStr | None = Field(
        None,
        validation_alias="KEFU_IDENTITY_SECRET",
        description="Signs visitors' identities; must differ from the agents' secret.",
    )
    role_map: Annotated[dict[str, str], NoDecode] = Field(
        {"super": "owner"},
        validation_alias="KEFU_ROLE_MAP",
        description="Other systems' role names, as `theirs=ours`, comma-separated.",
    )
    join_deadline_s: float = Field(
        45,
        gt=0,
        validation_alias="KEFU_JOIN_DEADLINE_S",
        description="Seconds an agent's socket may stay without a valid token.",
    )
    ping_interval_ms: int = Field(
        25_000, ge=1000, validation_alias="KEFU_PING_INTERVAL_MS", description="Heartbeat interval, ms."
    )
    ping_timeout_ms: int = Field(
        20_000, ge=1000, validation_alias="KEFU_PING_TIMEOUT_MS", description="Time to answer a ping, ms."
    )
    message_bytes_max: int = Field(
        65_536,
        ge=1024,
        validation_alias="KEFU_MESSAGE_BYTES_MAX",
        description="Largest inbound socket message, bytes; a larger one closes its socket.",
    )
    attachments_max: int = Field(
        10, ge=1, validation_alias="KEFU_ATTACHMENTS_MAX", description="Binary attachments of one packet."
    )
    fragments_max: int = Field(
        128,
        ge=1,
        validation_alias="KEFU_FRAGMENTS_MAX",
        description="Frames that one websocket message may be cut into.",
    )
    message_seconds_max: float = Field(
        20,
        gt=0,
        validation_alias="KEFU_MESSAGE_SECONDS_MAX",
        description="Seconds for all fragments of a message; its socket is closed between half of this and all.",
    )
    packets_per_poll_max: int = Field(
        1000, ge=1, validation_alias="KEFU_PACKETS_PER_POLL_MAX", description="Packets in one polling request."
    )
    packets_per_second_max: int = Field(
        1000, ge=10, validation_alias="KEFU_PACKETS_PER_SECOND_MAX", description="Packets of one socket a second."
    )
    json_depth_max: int = Field(
        32,
        ge=8,
        validation_alias="KEFU_JSON_DEPTH_MAX",
        description="Arrays and objects inside each other in a message.",
    )
    header_bytes_max: int = Field(
        16_384, ge=1024, validation_alias="KEFU_HEADER_BYTES_MAX", description="Request line and headers, bytes."
    )
    handshake_seconds_max: float = Field(
        10,
        gt=0,
        validation_alias="KEFU_HANDSHAKE_SECONDS_MAX",
        description="Seconds for a request's headers; again for CONNECT; again for a move from polling to websocket.",
    )
    body_seconds_max: float = Field(
        10, gt=0, validation_alias="KEFU_BODY_SECONDS_MAX", description="Seconds for the body of a polling request."
    )
    connections_max: int = Field(
        50_000, ge=1, validation_alias="KEFU_CONNECTIONS_MAX", description="Sockets of this process."
    )
    connections_per_address_max: int = Field(
        1000,
        ge=1,
        validation_alias="KEFU_CONNECTIONS_PER_ADDRESS_MAX",
        description="Sockets of a client address (IPv6 by /64), loopback left out.",
    )
    handshakes_per_second_max: int = Field(
        100,
        ge=1,
        validation_alias="KEFU_HANDSHAKES_PER_SECOND_MAX",
        description="New sockets a client address a second (IPv6 by /64), loopback left out.",
    )
    outbox_bytes_max: int = Field(
        1_048_576,
        ge=65_536,
        validation_alias="KEFU_OUTBOX_BYTES_MAX",
        description="Bytes that may wait for a slow reader before its socket is closed.",
    )
    append_deadline_ms: int = Field(
        10_000,
        ge=100,
        validation_alias="KEFU_APPEND_DEADLINE_MS",
        description="How long an append of unknown outcome is tried again, ms.",
    )
    append_batch_max: int = Field(
        512, ge=1, validation_alias="KEFU_APPEND_BATCH_MAX", description="Most messages in one commit."
    )
    append_queue_max: int = Field(
        20_000,
        ge=1,
        validation_alias="KEFU_APPEND_QUEUE_MAX",
        description="Messages that may wait for a commit; beyond it sends answer UNAVAILABLE.",
    )
    stop_grace_ms: int = Field(
        500,
        ge=0,
        validation_alias="KEFU_STOP_GRACE_MS",
        description="How long a stopping server says so at `/chat/ready` and still accepts, ms.",
    )
    stop_deadline_s: float = Field(
        10, gt=0, validation_alias="KEFU_STOP_DEADLINE_S", description="Seconds a clean stop may take after the grace."
    )
    db_pool_max: int = Field(
        10, ge=2, validation_alias="KEFU_DB_POOL_MAX", description="Database connections a process."
    )

    nats_url: SecretStr | None = Field(
        None,
        validation_alias="KEFU_NATS_URL",
        description="`nats://user:password@host:4222`, comma-separated if several: joins several chat-servers.",
    )

    # --- main site ---------------------------------------------------------------------------------------
    site_port: int = Field(
        3000, ge=1, le=65535, validation_alias="KEFU_SITE_PORT", description="Port of the main site."
    )
    server_internal_url: str = Field(
        "",
        validation_alias="CHAT_SERVER_INTERNAL_URL",
        description="How the main site's server reaches chat-server. Empty: the console says not connected.",
    )
    server_public_url: str = Field(
        "",
        validation_alias=AliasChoices("CHAT_SERVER_PUBLIC_URL", "NEXT_PUBLIC_CHAT_SERVER_URL"),
        description="Base URL of chat-server for browsers. Empty: the same origin.",
    )
    agent_token_seconds: int = Field(
        900, ge=60, le=86_400, validation_alias="KEFU_AGENT_TOKEN_SECONDS", description="Life of a token, s."
    )
    session_hours: int = Field(
        12, ge=1, validation_alias="KEFU_SESSION_HOURS", description="Hours a login to the main site lasts."
    )

    # --- both --------------------------------------------------------------------------------------------
    data_dir: Path = Field(
        default_factory=default_data_dir,
        validation_alias="KEFU_DATA_DIR",
        description="Embedded database and files. Default `./data`; as root `/var/lib/kefu`.",
    )
    admin_password: SecretStr | None = Field(
        None,
        validation_alias="KEFU_ADMIN_PASSWORD",
        description="Password of the first agent, made on the first run. Unset: generated and printed once.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="KEFU_LOG_LEVEL", description="Least severe level that is logged."
    )

    @field_validator("allowed_origins", "admin_allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value

    @field_validator("role_map", mode="before")
    @classmethod
    def _roles(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        roles = {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
        if not all(roles) or not set(roles.values()) <= set(ROLES):
            raise ValueError(f"expected theirs=ours, comma-separated, with ours one of {', '.join(ROLES)}")
        return roles

    @field_validator("server_internal_url", "server_public_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("expected http://host[:port] or https://host[:port]")
        return value.rstrip("/")


def load_settings(**overrides: Any) -> Settings:
    """Reads the environment, and the file that `KEFU_ENV_FILE` names or else `.env` of the current folder.

    Args:
        **overrides: Settings by attribute name that win over both, such as `port=0`.

    Raises:
        ConfigError: One line for each setting that cannot be read as what it should be, or for the file.
    """
    file = os.environ.get(ENV_FILE_VARIABLE)
    if file and not Path(file).is_file():
        raise ConfigError([f"{file} is no file: give --env-file or {ENV_FILE_VARIABLE} a file of settings"])
    try:
        return Settings(**({"_env_file": file or ".env"} | overrides))
    except ValidationError as error:
        raise ConfigError(
            [config_rules.unreadable(Settings.model_fields, problem) for problem in error.errors(include_url=False)]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file or '.env'} cannot be read: {error}"]) from None


def check_server(settings: Settings) -> None:
    """Refuses settings with which chat-server would run wrongly or unsafely.

    Raises:
        ConfigError: With everything that is wrong, one line each.
    """
    agents, visitors = reveal(settings.admin_jwt_secret), reveal(settings.identity_secret)
    refuse_if_any(
        config_rules.agents_secret(agents)
        + config_rules.visitors_secret(visitors, agents)
        + config_rules.metrics_token(reveal(settings.metrics_token), agents)
        + config_rules.database(reveal(settings.database_url))
        + config_rules.bus(reveal(settings.nats_url))
        + config_rules.heartbeat(settings.ping_interval_ms, settings.ping_timeout_ms)
        + config_rules.origins("CHAT_ALLOWED_ORIGINS", settings.allowed_origins)
        + config_rules.origins("ADMIN_ALLOWED_ORIGINS", settings.admin_allowed_origins)
    )


def check_site(settings: Settings) -> None:
    """Refuses settings with which the main site could not log anybody in or would sign unsafe tokens.

    Raises:
        ConfigError: With everything that is wrong, one line each.
    """
    refuse_if_any(
        config_rules.agents_secret(reveal(settings.admin_jwt_secret))
        + config_rules.database(reveal(settings.database_url))
    )


def refuse_if_any(problems: list[str]) -> None:
    """Raises `ConfigError` if there are problems."""
    if problems:
        raise ConfigError(problems)


def reveal(secret: SecretStr | None) -> str | None:
    """A secret setting as text, None if it is unset. Never log the result."""
    return None if secret is None else secret.get_secret_value()

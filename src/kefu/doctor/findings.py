"""What doctor can find: a stable code, how bad it is, and the line to change.

Knows every code; knows nothing of how one is found out. What a finding says in words is in `texts/`, a file a language.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal, NamedTuple, get_args

from kefu.wire.http import DoctorFinding

Severity = Literal["failure", "warning"]
Language = Literal["en", "zh-CN"]
DEFAULT_FILE = ".env"
LANGUAGES: tuple[Language, ...] = get_args(Language)

_PLACE = re.compile(r"\{([a-z_]+)\}")
_UPGRADE = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
)
_NEW = "{setting}=…  # openssl rand -hex 32"


class Kind(NamedTuple):
    """One code.

    Attributes:
        severity: A failure keeps something from working; a warning will, or keeps it from being safe.
        line: What to write or to run; `{names}` are filled from the finding's facts.
    """

    severity: Severity
    line: str


def _failure(line: str) -> Kind:
    return Kind("failure", line)


def _warning(line: str) -> Kind:
    return Kind("warning", line)


SUBJECTS: dict[str, dict[str, Kind]] = {
    "settings": {
        "env_file_missing": _failure("kefu doctor --env PATH --site-env PATH"),
        "env_file_unreadable": _failure("chown $USER {file}"),
        "env_file_open": _warning("chmod 600 {file}"),
        "setting_invalid": _failure("{setting}=…"),
    },
    "secrets": {
        "secret_missing": _failure(_NEW),
        "secret_sample": _failure(_NEW),
        "secret_short": _failure(_NEW),
        "secret_weak": _failure(_NEW),
        "secret_differs": _failure("{setting}=…"),
        "secret_shared": _failure(_NEW),
        "token_refused": _failure("CHAT_ADMIN_JWT_SECRET=…"),
    },
    "origins": {
        "origins_empty": _failure("{setting}=https://shop.example"),
        "origin_slash": _failure("{setting}={fixed}"),
        "origin_path": _failure("{setting}={fixed}"),
        "origin_no_scheme": _failure("{setting}={fixed}"),
        "origin_default_port": _failure("{setting}={fixed}"),
        "origin_wildcard": _failure("{setting}={fixed}"),
        "origin_spelling": _failure("{setting}={fixed}"),
        "origin_other_scheme": _failure("{setting}={fixed}"),
        "origin_other_port": _failure("{setting}={fixed}"),
        "origin_www": _failure("{setting}={fixed}"),
        "origin_not_listed": _failure("{setting}={fixed}"),
        "origin_changed": _failure("remove: proxy_set_header Origin {written};"),
        "origin_refused_lately": _warning("{setting}={fixed}"),
    },
    "database": {
        "database_unset": _failure("CHAT_DATABASE_URL=postgresql://chatapp:PASSWORD@127.0.0.1:5432/kefu"),
        "database_address": _failure("CHAT_DATABASE_URL=postgresql://chatapp:PASSWORD@127.0.0.1:5432/kefu"),
        "database_unreachable": _failure("CHAT_DATABASE_URL=postgresql://chatapp:PASSWORD@HOST:5432/kefu"),
        "database_password": _failure("ALTER ROLE {role} PASSWORD '…';"),
        "database_missing": _failure("CREATE DATABASE {database} OWNER {role};"),
        "database_refused": _failure("host {database} {role} samehost scram-sha-256"),
        "database_full": _failure("max_connections = 200"),
        "database_old": _failure("apt install postgresql"),
        "database_superuser": _warning("ALTER ROLE {role} NOSUPERUSER;"),
        "database_no_create": _failure("GRANT CREATE, USAGE ON SCHEMA public TO {role};"),
        "database_no_rights": _failure("ALTER TABLE {table} OWNER TO {role};"),
        "database_read_only": _failure("ALTER ROLE {role} RESET default_transaction_read_only;"),
        "database_encoding": _failure("CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0;"),
        "database_clock": _warning("timedatectl set-ntp true"),
        "synchronous_commit_off": _failure("ALTER ROLE {role} SET synchronous_commit = on;"),
        "connections_few": _failure("max_connections = {needed}"),
        "schema_empty": _failure("kefu migrate"),
        "schema_behind": _failure("kefu migrate"),
        "schema_newer": _failure("pip install ./kefu-….whl"),
    },
    "programs": {
        "static_missing": _failure("pip install --force-reinstall ./kefu-….whl"),
        "port_taken": _failure("{setting}=…"),
        "embedded_version": _failure("KEFU_DATA_DIR=…"),
        "embedded_foreign": _failure("KEFU_DATA_DIR=…"),
        "internal_url_unset": _warning("CHAT_SERVER_INTERNAL_URL=http://127.0.0.1:4000"),
        "internal_url_silent": _failure("CHAT_SERVER_INTERNAL_URL=http://127.0.0.1:4000"),
        "internal_url_other": _failure("CHAT_SERVER_INTERNAL_URL=http://127.0.0.1:4000"),
        "public_url_differs": _warning("CHAT_SERVER_PUBLIC_URL={url}"),
        "nats_address": _failure("KEFU_NATS_URL=nats://kefu:PASSWORD@127.0.0.1:4222"),
        "nats_unreachable": _failure("KEFU_NATS_URL=nats://kefu:PASSWORD@127.0.0.1:4222"),
        "nats_refused": _failure("KEFU_NATS_URL=nats://kefu:PASSWORD@127.0.0.1:4222"),
        "nats_unset": _failure("KEFU_NATS_URL=nats://kefu:PASSWORD@127.0.0.1:4222"),
    },
    "machine": {
        "disk_low": _warning("df -h {folder}"),
        "disk_full": _failure("df -h {folder}"),
        "files_few": _warning("LimitNOFILE=65536"),
        "clock_wrong": _failure("timedatectl set-ntp true"),
    },
    "url": {
        "url_unknown_host": _failure("{host}. A …"),
        "url_unreachable": _failure("systemctl status nginx"),
        "url_redirected": _warning("kefu doctor --url {to}"),
        "not_https": _warning("listen 443 ssl;"),
        "tls_expired": _failure("certbot renew"),
        "tls_expiring": _warning("certbot renew"),
        "tls_name": _failure("certbot --nginx -d {host}"),
        "tls_chain": _failure("ssl_certificate /etc/letsencrypt/live/{host}/fullchain.pem;"),
        "tls_self_signed": _failure("certbot --nginx -d {host}"),
        "tls_failed": _failure("listen 443 ssl;"),
        "upstream_away": _failure("proxy_pass http://127.0.0.1:4000;"),
        "chat_location_missing": _failure("location /chat/ { proxy_pass http://127.0.0.1:4000; }"),
        "chat_path_changed": _failure("location /chat/ { proxy_pass http://127.0.0.1:4000; }"),
        "main_site_away": _failure(
            "pm2 start ecosystem.config.cjs --only main-site  # or: systemctl start kefu-main-site"
        ),
        "not_ready": _failure("CHAT_DATABASE_URL=…"),
        "bus_away": _warning("KEFU_NATS_URL=nats://kefu:PASSWORD@127.0.0.1:4222"),
    },
    "sockets": {
        "socket_location_missing": _failure("location {path}/ { proxy_pass http://127.0.0.1:4000; }"),
        "socket_path_changed": _failure("location {path}/ { proxy_pass http://127.0.0.1:4000; }"),
        "socket_redirected": _failure("location {path}/ { proxy_pass http://127.0.0.1:4000; }"),
        "socket_forbidden": _failure("location {path}/ { allow all; }"),
        "upgrade_missing": _failure(_UPGRADE),
        "socket_silent": _failure("proxy_buffering off;"),
        "socket_buffered": _failure("proxy_buffering off;"),
        "socket_timeout": _failure("proxy_read_timeout {needed}s; proxy_send_timeout {needed}s;"),
        "socket_body_limit": _failure("client_max_body_size {needed};"),
        "polling_cached": _failure("proxy_cache off;"),
        "polling_not_sticky": _failure("ip_hash;"),
        "socket_failed": _failure("location {path}/ { proxy_pass http://127.0.0.1:4000; }"),
    },
    "address": {
        "forwarded_missing": _failure("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"),
        "forwarded_untrusted": _failure("CHAT_TRUSTED_PROXIES={fixed}"),
        "forwarded_forged": _failure("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"),
        "proto_missing": _warning("proxy_set_header X-Forwarded-Proto $scheme;"),
    },
    "widget": {
        "widget_not_found": _failure("location /chat/ { proxy_pass http://127.0.0.1:4000; }"),
        "widget_type": _failure("location /chat/ { proxy_pass http://127.0.0.1:4000; }"),
        "widget_cors": _failure(
            "proxy_hide_header Access-Control-Allow-Origin; add_header Access-Control-Allow-Origin *;"
        ),
        "widget_cors_doubled": _failure("proxy_hide_header Access-Control-Allow-Origin;"),
        "widget_corp": _failure(
            "proxy_hide_header Cross-Origin-Resource-Policy; add_header Cross-Origin-Resource-Policy cross-origin;"
        ),
        "widget_cache": _warning("expires off;"),
        "widget_uncompressed": _warning("proxy_set_header Accept-Encoding $http_accept_encoding;"),
        "widget_parts": _failure("location /chat/ { proxy_pass http://127.0.0.1:4000; }"),
    },
    "page": {
        "page_unreachable": _failure("kefu doctor --url {url} --page https://…"),
        "page_without_widget": _warning('<script src="{url}/chat/widget/widget.js"></script>'),
        "page_other_server": _warning('<script src="{url}/chat/widget/widget.js"></script>'),
        "page_mixed": _failure('<script src="{fixed}"></script>'),
        "csp_script": _failure("{fixed}"),
        "csp_connect": _failure("{fixed}"),
    },
    "doctor": {
        "check_failed": _warning("kefu doctor --json"),
        "check_slow": _warning("kefu doctor --json"),
    },
}
"""Every code, by what it is about, in the order in which findings are shown."""

KINDS: dict[str, Kind] = {code: kind for kinds in SUBJECTS.values() for code, kind in kinds.items()}
SUBJECT_OF: dict[str, str] = {code: subject for subject, kinds in SUBJECTS.items() for code in kinds}
_ORDER = {code: number for number, code in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        code: Stable, one of `KINDS`.
        facts: What the texts and the line are filled with; never a secret.
    """

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return KINDS[self.code].severity

    @property
    def line(self) -> str:
        """What to write or to run."""
        return filled(KINDS[self.code].line, self.facts)

    def found(self, language: Language) -> str:
        """What was found, as a sentence."""
        return filled(texts(language)[self.code]["found"], self.facts)

    def told(self, language: Language) -> DoctorFinding:
        """The finding for programs."""
        return DoctorFinding(
            code=self.code,
            severity=self.severity,
            subject=SUBJECT_OF[self.code],
            found=self.found(language),
            change=self.line,
            facts=dict(self.facts),
            file=self.facts.get("file"),
        )


def finding(code: str, **facts: object) -> Finding:
    """A finding.

    Args:
        code: One of `KINDS`.
        **facts: What its texts ask for; told as text.

    Raises:
        KeyError: There is no such code.
    """
    KINDS[code]  # a wrong code fails here and not at the print
    return Finding(code, {name: str(value) for name, value in facts.items()})


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Failures first, then by subject; what was found from two sides is kept once."""
    alike: dict[tuple[str, frozenset[tuple[str, str]]], dict[str, Finding]] = {}
    for one in findings:
        facts = frozenset(item for item in one.facts.items() if item[0] != "file")
        alike.setdefault((one.code, facts), {}).setdefault(one.facts.get("file", ""), one)
    for by_file in alike.values():
        if len(by_file) > 1:
            by_file.pop(DEFAULT_FILE, None)  # the server's own word for a file that was read here too
    kept = [one for by_file in alike.values() for one in by_file.values()]
    return sorted(kept, key=lambda one: (one.severity != "failure", _ORDER[one.code]))


def filled(template: str, facts: Mapping[str, str]) -> str:
    """A template with its `{names}` filled; a name without a fact stays a dash, since half a hint beats none."""
    return _PLACE.sub(lambda match: facts.get(match[1], "–"), template)


@functools.cache
def texts(language: Language) -> dict[str, dict[str, str]]:
    """Every code's texts in a language: `symptom`, what people see, and `found`, what is wrong."""
    text = (files("kefu.doctor") / "texts" / f"{language}.json").read_text(encoding="utf-8")
    catalogue: dict[str, dict[str, str]] = json.loads(text)
    return catalogue

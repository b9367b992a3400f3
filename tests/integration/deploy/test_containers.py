"""The container files: lint clean, of this version, and fed by what `kefu init` writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kefu.cli import first_files
from kefu.cli.first_files import Wanted
from kefu.config import Settings
from kefu.config_rules import database
from kefu.proxy.nginx import render
from kefu.proxy.site import Site, socket_timeout_s

from .conftest import ROOT, RunNode

FOLDER = ROOT / "deploy" / "container"
CONTAINERFILE = FOLDER / "Containerfile"
OWN = ("chat-server", "main-site", "migrate")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


def hadolint(text: str) -> str:
    program = Path(sys.executable).with_name("hadolint")
    if not program.is_file() and not os.environ.get("CI"):
        pytest.skip("hadolint is installed on x86-64 Linux only")
    command = [program, "--failure-threshold", "style", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) is (not done.stdout), done.stderr
    return done.stdout


def test_the_containerfile_is_clean() -> None:
    text = CONTAINERFILE.read_text()
    assert hadolint(text) == ""
    assert "DL3002" in hadolint(text.replace("USER 10001", "USER root"))
    for source in (
        line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY") and "--from" not in line
    ):
        assert all((ROOT / name).exists() for name in source), source


def test_the_compose_file_is_clean(node: RunNode, tmp_path: Path) -> None:
    done = node("dclint/bin/dclint.cjs", "--max-warnings", "0", FOLDER / "compose.yaml")
    assert done.returncode == 0, done.stdout
    (tmp_path / "compose.yaml").write_text((FOLDER / "compose.yaml").read_text().replace("restart:", "restarts:", 1))
    assert node("dclint/bin/dclint.cjs", tmp_path / "compose.yaml").returncode == 1


def test_images_are_of_this_version_and_name_no_registry(services: dict[str, Any]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {services[name]["image"] for name in OWN} == {f"kefu:{version}"}
    assert f"docker build -t kefu:{version} " in CONTAINERFILE.read_text()
    images = [service["image"] for service in services.values()]
    images += [line.split()[1] for line in CONTAINERFILE.read_text().splitlines() if line.startswith("FROM")]
    assert not [image for image in images if "/" in image or ":" not in image]


def test_only_nginx_is_reachable_and_ours_have_no_rights(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if service.get("ports")] == ["nginx"]
    for name in ("chat-server", "main-site"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"] is True
        assert services[name]["security_opt"] == ["no-new-privileges:true"]


def test_init_writes_every_file_that_compose_reads(services: dict[str, Any], tmp_path: Path) -> None:
    first_files.write(tmp_path, Wanted(("https://shop.example",), "", "containers", "en"))
    for service in services.values():
        mounted = [entry.split(":")[0] for entry in service.get("volumes", []) if entry.startswith("./")]
        for name in [*service.get("env_file", []), *mounted]:
            assert name == "./certificates" or (tmp_path / name).is_file(), name
    for name in ("chat-server.env", "main-site.env"):
        url = (tmp_path / name).read_text().partition("\nCHAT_DATABASE_URL=")[2].partition("\n")[0]
        assert url.endswith("@database:5432/kefu")
        assert database(url) == []
    assert os.access(tmp_path / "make-role.sh", os.X_OK)


def test_nginx_does_what_kefu_nginx_prints() -> None:
    settings = Settings()
    site = Site(
        domain="_", layout="path", chat_domain="_", workers=1,
        chat_port=settings.port, main_site_port=settings.site_port,
        http_port=80, https_port=443, certificates="/etc/nginx/certificates", webroot="/unused",
        cache="/var/cache/nginx/kefu",
        socket_timeout_s=socket_timeout_s(settings.ping_interval_ms, settings.ping_timeout_ms),
        socket_body_bytes=settings.message_bytes_max, upload_mib=20, ipv6=False,
    )  # fmt: skip
    printed = render(site, (1, 28, 0)).replace("http://kefu-chat-_;", "$chat;").replace("http://kefu-main-_;", "$site;")
    printed, ours = told(printed.replace("kefu-_", "kefu")), told((FOLDER / "nginx.conf").read_text())
    secure = "server {\nlisten 443"
    assert (
        ours.partition(secure)[2].replace("set $chat http://chat-server:4000;\nset $site http://main-site:3000;\n", "")
        == (printed.partition(secure)[2])
    )
    assert ours.startswith(printed.partition("upstream")[0])  # the maps


def told(configuration: str) -> str:
    """A configuration without comments, blank lines and indents."""
    lines = (line.strip() for line in configuration.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        assert not os.environ.get("CI"), "nginx is missing: .ci/run installs it"
        pytest.skip("nginx is missing: apt-get install nginx-light")
    certificate = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=shop.example",
        "-days",
        "1",
    ]
    files = ["-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"]
    subprocess.run([*certificate, *files], check=True, capture_output=True)
    text = (FOLDER / "nginx.conf").read_text().replace("/etc/nginx/certificates", str(tmp_path))
    text = text.replace("/var/cache/nginx", str(tmp_path))
    version = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr.rpartition("/")[2]
    if tuple(map(int, version.split()[0].split(".")[:2])) < (1, 25):
        text = text.replace("    http2 on;\n", "")  # the image is newer than Debian's
    (tmp_path / "kefu.conf").write_text(text)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/kefu.conf; }}"
    )
    done = subprocess.run([nginx, "-t", "-q", "-c", whole, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_way_to_start_refuses_a_superuser(services: dict[str, Any]) -> None:
    assert services["chat-server"]["command"] == ["server", "--strict"]
    assert '"server --strict"' in (ROOT / "deploy/pm2/ecosystem.config.cjs").read_text()
    assert "kefu server --strict\n" in (ROOT / "deploy/systemd/kefu-chat-server.service").read_text()

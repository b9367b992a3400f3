"""`kefu doctor` finds nothing behind every proxy that must work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kefu.cli.main import app, register
from proxy.conftest import Front, Installation


@pytest.fixture(autouse=True)
def _doctor() -> None:
    register("doctor")


def ask_doctor(installation: Installation, front: Front, folder: Path, *arguments: str) -> Result:
    """The command for one way to the installation, with the settings files of both programs."""
    origins = ",".join(front.local(one.page) for one in installation.fronts.values())
    lists = {"CHAT_ALLOWED_ORIGINS": origins, "ADMIN_ALLOWED_ORIGINS": origins}
    public = {"CHAT_SERVER_PUBLIC_URL": front.local(front.chat)}
    internal = {"CHAT_SERVER_INTERNAL_URL": f"http://127.0.0.1:{installation.chat_port}"}
    shared = installation._shared | {"CHAT_SERVER_PORT": str(installation.chat_port)}
    for name, lines in (("chat-server.env", shared | lists), ("main-site.env", shared | internal | public)):
        file = folder / name
        file.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        file.chmod(0o600)
    options = [f"--url={front.local(front.chat)}", f"--page={front.local(front.page)}/", "--quick"]
    return CliRunner().invoke(app, ["doctor", *options, *arguments], env={"SSL_CERT_FILE": str(installation.ca)})


@pytest.mark.parametrize("name", ["path", "subdomain", "document", "strip"])
def test_nothing_is_wrong_behind(installation: Installation, tmp_path: Path, name: str) -> None:
    result = ask_doctor(installation, installation.fronts[name], tmp_path, "--json")
    told = json.loads(result.stdout)
    # Other tests of this installation are refused on purpose, and a warning tells of it for an hour.
    found = [one["code"] for one in told["findings"] if one["code"] != "origin_refused_lately"]
    # Where a main site names chat-server's address, it is the real name, which this machine cannot resolve.
    assert found == (["page_other_server"] if name in ("subdomain", "strip") else [])
    assert (told["ok"], result.exit_code) == (True, 0)


def test_what_the_proxy_lacks_is_told_in_chinese(installation: Installation, tmp_path: Path) -> None:
    """The certificate's authority is not known here, and everything behind it is looked at all the same."""
    result = ask_doctor(installation, installation.fronts["path"], tmp_path, "--lang=zh")
    assert result.exit_code == 0
    assert result.stdout == "✓ 没有发现问题。\n" or "origin_refused_lately" in result.stdout  # see above
    front = installation.fronts["path"]
    unknown = CliRunner().invoke(
        app, ["doctor", f"--url={front.local(front.chat)}", "--quick", "--lang=zh"], env={"SSL_CERT_FILE": "/dev/null"}
    )
    assert unknown.exit_code == 1
    assert "✗ tls_chain  localhost 的证书缺少签发者的证书" in unknown.stdout
    assert "    → ssl_certificate /etc/letsencrypt/live/localhost/fullchain.pem;" in unknown.stdout

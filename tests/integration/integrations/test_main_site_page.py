"""The page about main sites is run as it stands: its Python, PHP and Ruby make tokens, its Next.js compiles."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from hatch_build import node_and_npm

from alone import alone_with
from integration.mainsite.conftest import SECRET
from kefu.tokens import verify_agent_token

ROOT = Path(__file__).parents[3]
NEXTJS = Path(__file__).with_name("nextjs")
PAGES = [ROOT / "docs" / language / "main-site.md" for language in ("en", "zh-CN")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NPM_CI_S_MAX = 100


def blocks(page: Path = PAGES[0]) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def block(first_line: str) -> str:
    return next(code for _, code in blocks() if code.startswith(first_line))


def run(*command: str, code: str = "", **environment: str) -> str:
    done = subprocess.run(
        command, input=code, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=60
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def interpreter(name: str) -> str:
    found = shutil.which(name)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"no {name} on this machine")
    assert found, f".ci/run installs {name}"
    return found


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_ADMIN_JWT_SECRET", SECRET)


def test_both_languages_show_the_same_code() -> None:
    assert blocks(PAGES[0]) == blocks(PAGES[1])


def executed(first_line: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(block(first_line), first_line, "exec", dont_inherit=True), names)
    return names


def test_flask() -> None:
    app = executed("# flask")["app"]
    app.secret_key = "only-for-tests"
    client = app.test_client()
    assert client.get("/api/admin/chat/token").status_code == 401
    with client.session_transaction() as session:
        session["user"] = "7"
    assert verify_agent_token(SECRET, client.get("/api/admin/chat/token").json["token"]).agent_id == "7"


@pytest.mark.parametrize(
    ("first_line", "path"), [("# fastapi", "/api/admin/chat/token"), ("# asgi", "/admin/chat/token")]
)
def test_asgi(first_line: str, path: str) -> None:
    app = executed(first_line)["app"]

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop.example") as client:
            return await client.get(path, headers={"x-user": "7"})

    answer = asyncio.run(get())
    if first_line == "# fastapi":
        assert verify_agent_token(SECRET, answer.json()["token"]).role == "admin"
    else:  # no authentication middleware is in the example
        assert answer.status_code == 401


def test_python() -> None:
    assert verify_agent_token(SECRET, executed("# tokens")["token"]).name == "Ann"


def test_php() -> None:
    code = block("<?php").replace("session_start();", "$_SESSION = ['agent' => '7'];")
    told = run(interpreter("php"), code=code)
    assert verify_agent_token(SECRET, re.search(r'"token":"([^"]+)"', told)[1]).agent_id == "7"
    nobody = run(interpreter("php"), code=block("<?php").replace("session_start();", "$_SESSION = [];"))
    assert nobody == '{"error":"UNAUTHORIZED"}'


def test_ruby() -> None:
    code = (
        block("# app/models/chat_token.rb")
        + 'puts ChatToken.for(ENV.fetch("CHAT_ADMIN_JWT_SECRET"), id: 7, name: "安")'
    )
    assert verify_agent_token(SECRET, run(interpreter("ruby"), "-Ku", code=code).strip()).name == "安"
    run(interpreter("ruby"), "-c", code=block("# app/controllers/chat_tokens_controller.rb"))


@pytest.fixture(scope="module")
def nextjs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with the page's files in it and Next.js' own types."""
    node, npm = node_and_npm()
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}
    with alone_with(NEXTJS / "package-lock.json"):
        if not (NEXTJS / "node_modules" / ".package-lock.json").is_file():
            command = [*npm, "ci", "--ignore-scripts", "--omit=optional", "--loglevel=error"]
            subprocess.run(command, cwd=NEXTJS, check=True, env=environment, timeout=NPM_CI_S_MAX)
    app = tmp_path_factory.mktemp("nextjs")
    (app / "node_modules").symlink_to(NEXTJS / "node_modules")
    shutil.copy(NEXTJS / "tsconfig.json", app)
    for kind, code in blocks():
        if kind in ("ts", "tsx"):
            file = app / code.splitlines()[0].removeprefix("// ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code)
    (app / "lib" / "current-agent.ts").write_text(
        "import type { Agent } from './chat-token'\nexport declare function currentAgent(): Promise<Agent | null>\n"
    )
    return app


def test_nextjs_type_checks(nextjs: Path) -> None:
    run(node_and_npm()[0], str(ROOT / "web/node_modules/.bin/tsc"), "--project", str(nextjs))


def test_the_nextjs_token_is_believed(nextjs: Path) -> None:
    script = (
        "import { agentToken } from './lib/chat-token.ts'\n"
        "console.log(agentToken(process.env.CHAT_ADMIN_JWT_SECRET, { id: '7', role: 'agent', name: '安' }))\n"
    )
    (nextjs / "print.mts").write_text(script)
    token = run(node_and_npm()[0], str(nextjs / "print.mts")).strip()
    claims = verify_agent_token(SECRET, token)
    assert (claims.agent_id, claims.role, claims.name) == ("7", "agent", "安")

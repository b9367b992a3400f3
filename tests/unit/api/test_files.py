"""The built files over HTTP (contract section 2): names, encodings, caching, who may load them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient

from kefu.api.files import Files, console_file, widget_file

LOADER = b"(()=>{/* loader */})()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in {
        "widget/widget.js": LOADER,
        "widget/socket.io.min.js": b"io",
        "widget/assets/panel-4f3a.js": b"panel",
        "widget/assets/panel-4f3a.js.map": b"{}",
        "widget/notes.txt": "备注".encode(),
        "widget/logo.svg": b"<svg/>",
        "console/console.js": b"console",
        "secret.txt": b"not below widget or console",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    (tmp_path / "widget/widget.js.gz").write_bytes(gzip.compress(LOADER))
    (tmp_path / "widget/widget.js.br").write_bytes(b"as brotli")
    (tmp_path / "console/console.js.gz").write_bytes(gzip.compress(b"console"))
    return tmp_path


@pytest.fixture
def http(folder: Path) -> Iterator[TestClient[Litestar]]:
    app = Litestar([widget_file, console_file], state=State({"files": Files(folder)}), openapi_config=None)
    with TestClient(app) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


@pytest.mark.parametrize("prefix", ["", "/chat"])
@pytest.mark.parametrize("name", ["widget/widget.js", "widget/widgetScript.js"])
def test_the_loader_under_all_its_names(http: TestClient[Litestar], prefix: str, name: str) -> None:
    """Section 2: with and without `/chat`, and `widgetScript.js` is the same loader."""
    answer = http.get(f"{prefix}/{name}")
    assert (answer.status_code, answer.content) == (200, LOADER)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_loader_is_cross_origin_loadable_and_short_lived(http: TestClient[Litestar]) -> None:
    """Section 2: cross-origin loadable, short max-age + ETag."""
    headers = http.get("/chat/widget/widget.js").headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["cache-control"] == "public, max-age=300"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["vary"].lower() == "accept-encoding"
    assert headers["etag"].startswith('"')


def test_hashed_files_are_immutable(http: TestClient[Litestar]) -> None:
    """A file whose name changes with its content may be kept for a year."""
    answer = http.get("/chat/widget/assets/panel-4f3a.js")
    assert answer.content == b"panel"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("accepted", "served"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("gzip;q=1.0, br;q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.0, gzip;q=0.001", "gzip"),
        ("BR", "br"),
        ("identity", None),
        ("br;q=0,gzip;q=0", None),
        ("x-compress", None),
    ],
)
def test_encodings(http: TestClient[Litestar], accepted: str, served: str | None) -> None:
    """What was compressed at build time is served as the browser takes it; q=0 means not at all."""
    answer = http.get("/widget/widget.js", headers={"accept-encoding": accepted, "x-raw": "1"})
    assert answer.headers.get("content-encoding") == served
    if served == "gzip":
        assert answer.content == LOADER
    if served is None:
        assert answer.content == LOADER


def test_a_file_without_that_encoding_is_served_plain(http: TestClient[Litestar]) -> None:
    """The console was compressed with gzip only here, the panel not at all."""
    assert http.get("/console/console.js", headers={"accept-encoding": "br"}).headers.get("content-encoding") is None
    panel = http.get("/widget/assets/panel-4f3a.js", headers={"accept-encoding": "br, gzip"})
    assert panel.content == b"panel"


def test_not_modified(http: TestClient[Litestar]) -> None:
    """The ETag saves the body, in a list and weakened by a proxy too; another one does not."""
    etag = http.get("/chat/widget/widget.js").headers["etag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}"):
        answer = http.get("/chat/widget/widget.js", headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "public, max-age=300"
    assert http.get("/chat/widget/widget.js", headers={"if-none-match": '"other"'}).status_code == 200


def test_the_etag_follows_the_content(folder: Path) -> None:
    """A new build has a new ETag, the same content the same one."""
    first, again = Files(folder).get("widget/widget.js"), Files(folder).get("widget/widget.js")
    (folder / "widget/widget.js").write_bytes(b"new")
    second = Files(folder).get("widget/widget.js")
    assert first is not None
    assert again is not None
    assert second is not None
    assert first.etag == again.etag != second.etag


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("widget/notes.txt", "text/plain; charset=utf-8"), ("widget/logo.svg", "image/svg+xml")],
)
def test_media_types(http: TestClient[Litestar], name: str, media_type: str) -> None:
    """Texts say their encoding."""
    assert http.get(f"/{name}").headers["content-type"] == media_type


@pytest.mark.parametrize(
    "path",
    [
        "/widget/none.js",
        "/widget/widget.js.gz",
        "/widget/assets/panel-4f3a.js.map",
        "/widget/../secret.txt",
        "/widget/%2e%2e/secret.txt",
        "/widget/..%2fsecret.txt",
        "/widget//etc/passwd",
        "/console/../widget/../secret.txt",
        "/widget/%00",
    ],
)
def test_nothing_else_is_served(http: TestClient[Litestar], path: str) -> None:
    """Only built files, no source maps, nothing outside their folder."""
    assert http.get(path).status_code == 404


def test_missing_names_what_was_not_built(folder: Path, tmp_path: Path) -> None:
    """Section 1, `P0_OK`: loader, panel and console bundle found."""
    assert Files(folder).missing() == []
    (folder / "widget/assets/panel-4f3a.js").unlink()
    (folder / "console/console.js").unlink()
    assert Files(folder).missing() == ["console/console.js", "widget/assets/panel-*.js"]
    assert len(Files(tmp_path / "nowhere").missing()) == 4

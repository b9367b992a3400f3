"""The built files of widget and console, cross-origin loadable, compressed when they were built.

Reads everything once at the start (less than a few MB); knows nothing of what the files do.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from kefu.wire.http import HttpRefusal

STATIC = Path(__file__).parent.parent / "static"
IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
REQUIRED = ("widget/widget.js", "widget/socket.io.min.js", "console/console.js")
ALIASES = {"widget/widgetScript.js": "widget/widget.js"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is served. `bodies` maps a content encoding, or "" for none, to the bytes."""

    media_type: str
    etag: str
    cache_control: str
    bodies: dict[str, bytes]


class Files:
    """All built files by their path below the static folder."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files: dict[str, File] = {}
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and path.suffix not in {".br", ".gz", ".map"}:
                self._files[path.relative_to(folder).as_posix()] = _read(path)
        for alias, name in ALIASES.items():
            if name in self._files:
                self._files[alias] = self._files[name]

    def missing(self) -> list[str]:
        """Which files that the product cannot do without were not built."""
        panel = any("/assets/panel" in name for name in self._files if name.startswith("widget/"))
        return [name for name in REQUIRED if name not in self._files] + ([] if panel else ["widget/assets/panel-*.js"])

    def get(self, path: str) -> File | None:
        """A file, if there is one of this name."""
        return self._files.get(path)


def _read(path: Path) -> File:
    body = path.read_bytes()
    bodies = {"": body}
    for encoding, suffix in ENCODINGS:
        compressed = path.with_name(path.name + suffix)
        if compressed.is_file():
            bodies[encoding] = compressed.read_bytes()
    return File(
        media_type=_media_type(path),
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        cache_control=IMMUTABLE if path.parent.name == "assets" else SHORT,
        bodies=bodies,
    )


def _media_type(path: Path) -> str:
    """The type alone: Litestar adds the charset of texts."""
    if path.suffix in {".js", ".mjs"}:
        return "text/javascript"
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _encoding(accepted: str, file: File) -> str:
    """The smallest encoding that the browser takes and we have."""
    wanted = set()
    for part in accepted.lower().replace(" ", "").split(","):
        name, _, weight = part.partition(";q=")
        if not weight or weight.strip("0."):
            wanted.add(name)
    return next((encoding for encoding, _ in ENCODINGS if encoding in wanted and encoding in file.bodies), "")


def _answer(request: Request[Any, Any, State], path: FromPath[str]) -> Response[bytes]:
    files: Files = request.app.state.files
    file = files.get(path.lstrip("/"))
    if file is None:
        raise NotFoundException(f"there is no file {path!r}")
    encoding = _encoding(request.headers.get("accept-encoding", ""), file)
    headers = {
        "Cache-Control": file.cache_control,
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(file.bodies[encoding], headers=headers, media_type=file.media_type)


FOUND = {
    200: ResponseSpec(bytes, generate_examples=False, media_type="text/javascript", description="The file"),
    404: ResponseSpec(HttpRefusal, generate_examples=False, description="There is no such file"),
}


@get(["/widget/{path:path}", "/chat/widget/{path:path}"], sync_to_thread=False, responses=FOUND, summary="The widget")
def widget_file(request: Request[Any, Any, State], path: FromPath[str]) -> Response[bytes]:
    """The loader (`widget.js`, alias `widgetScript.js`), the Socket.IO client, and the panel's hashed files."""
    return _answer(request, "widget/" + str(path).lstrip("/"))


@get(
    ["/console/{path:path}", "/chat/console/{path:path}"], sync_to_thread=False, responses=FOUND, summary="The console"
)
def console_file(request: Request[Any, Any, State], path: FromPath[str]) -> Response[bytes]:
    """The console's entry (`console.js`) and its hashed files."""
    return _answer(request, "console/" + str(path).lstrip("/"))

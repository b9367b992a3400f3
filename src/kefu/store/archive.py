"""A backup as one file: a zip with `tables/NAME.copy` for each table (PostgreSQL's COPY text) and `manifest.json`.

Knows files and sums; knows no database. The manifest is written last, so whatever was cut off is no archive. The file
is made under another name in the same folder and named when it is whole and on disk; it holds password hashes and the
key of visitors' sessions, so only its owner may read it. Uploaded files, once there are any, become entries under
`files/` with a list in the manifest, and `FORMAT` becomes 2: a reader refuses what is newer than itself.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from kefu.store import part_file
from kefu.store.copying import Meter

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 1_048_576
CHUNK_BYTES = 65_536
COMPRESSION = 3
"""A third of zlib's effort for a few per cent more bytes: a server may be running beside us."""


class ArchiveError(RuntimeError):
    """An archive that cannot be written or read, with one line that says why."""


class Table(msgspec.Struct, frozen=True):
    """A table in an archive.

    Attributes:
        name: Its name.
        columns: Carried columns, in order.
        rows: How many.
        sha256: Of its COPY text, in hex.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself.

    Attributes:
        format: Of the archive.
        kefu: Version that made it.
        revision: Of the database's schema.
        postgresql: Version that the rows came from.
        created_at: ISO 8601, UTC.
        tables: Each after those that it refers to.
    """

    format: int = FORMAT
    kefu: str
    revision: str
    postgresql: str
    created_at: str
    tables: tuple[Table, ...]


class ArchiveWriter:
    """Writes an archive; what is left without `finish` leaves no file, and what a SIGKILL left goes with the next one.

    Args:
        path: Its name when it is whole; must not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _told(path):
            if path.exists():
                raise ArchiveError(f"{path} is there already: give another name, or remove it")
            part_file.clear_abandoned(path.parent)
            descriptor, self._staging = part_file.make(path.parent)
        self._file = os.fdopen(descriptor, "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION)

    async def table(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Takes a table's rows."""
        entry = self._zip.open(f"tables/{name}.copy", "w", force_zip64=True)
        try:
            async for chunk in chunks:
                with _told(self._path):
                    entry.write(chunk)
        finally:
            with _told(self._path):
                entry.close()

    def finish(self, manifest: Manifest) -> int:
        """Makes it whole, durable, and gives it its name. Returns its size in bytes."""
        with _told(self._path):
            self._zip.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
            self._zip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._staging.rename(self._path)
            _sync_folder(self._path.parent)
            return self._path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for close in (self._zip.close, self._file.close):
            with suppress(OSError, ValueError):
                close()
        self._staging.unlink(missing_ok=True)  # gone already if it was finished


class ArchiveReader:
    """An archive to read, opened and understood.

    Args:
        path: Where it is.

    Raises:
        ArchiveError: It is not there, no archive, cut off, or newer than this version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _told(path):
            self._zip = zipfile.ZipFile(path)
            with self._zip.open(MANIFEST) as entry:
                self.manifest = _understood(entry, path)
        self._tables = {table.name: table for table in self.manifest.tables}

    @property
    def revision(self) -> str:
        """Of the schema that the rows fit."""
        return self.manifest.revision

    @property
    def tables(self) -> list[tuple[str, tuple[str, ...]]]:
        """Names and carried columns, each table after those that it refers to."""
        return [(table.name, table.columns) for table in self.manifest.tables]

    async def chunks(self, table: str) -> AsyncGenerator[bytes, None]:
        """A table's rows.

        Raises:
            ArchiveError: They are not those that were written.
        """
        expected, meter = self._tables[table], Meter()
        with _told(self._path), self._zip.open(f"tables/{table}.copy") as entry:
            while chunk := entry.read(CHUNK_BYTES):
                meter.feed(chunk)
                yield chunk
        if (meter.rows, meter.sha256) != (expected.rows, expected.sha256):
            raise ArchiveError(
                f"{self._path} is damaged: {table} has {meter.rows} rows, the archive says {expected.rows}"
                " (or their sum differs); use another backup"
            )

    def close(self) -> None:
        """Lets go of the file."""
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _understood(entry: IO[bytes], path: Path) -> Manifest:
    text = entry.read(MANIFEST_BYTES_MAX)
    number = msgspec.json.decode(text).get("format")
    if isinstance(number, int) and number > FORMAT:
        raise ArchiveError(f"{path} was made by a newer Kefu (format {number}, not {FORMAT}): install that version")
    return msgspec.json.decode(text, type=Manifest)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tells what goes wrong with a file in one line."""
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror or error}") from error
    except zipfile.BadZipFile as error:
        raise ArchiveError(f"{path} is no backup of Kefu, or was cut off or damaged ({error})") from error
    except (KeyError, AttributeError, ValueError, zlib.error, EOFError) as error:
        raise ArchiveError(f"{path} is no backup of Kefu, or is damaged ({error})") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

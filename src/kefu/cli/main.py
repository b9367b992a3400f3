"""The `kefu` program: names its commands, and loads only the one that runs."""

from __future__ import annotations

import importlib
import keyword
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from kefu.config import ENV_FILE_VARIABLE

COMMANDS = (
    "init",
    "up",
    "server",
    "site",
    "migrate",
    "db",
    "backup",
    "restore",
    "agent",
    "token",
    "nginx",
    "doctor",
    "accept",
    "chaos",
    "import",
)
"""Each is a module of this folder with a function of the same name, or with an `app` of its own commands. A word of
Python's own, such as `import`, has an underscore after it there."""

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def show_version(wanted: bool) -> None:
    """Prints the version and ends."""
    if wanted:
        print(f"kefu {metadata.version('kefu')}")
        raise typer.Exit


@app.callback()
def kefu(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(
            envvar=ENV_FILE_VARIABLE, metavar="FILE", help="File of settings, instead of .env in this folder."
        ),
    ] = None,
) -> None:
    """Live chat for websites that people host themselves."""
    del version  # given, it has ended the program by now
    if env_file is not None:
        os.environ[ENV_FILE_VARIABLE] = str(env_file.absolute())


def register(name: str) -> None:
    """Loads a command's module and makes the command known."""
    module = importlib.import_module(f"kefu.cli.{name}{'_' if keyword.iskeyword(name) else ''}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name)(getattr(module, name))


def run() -> None:
    """Entry point of the program."""
    if sys.argv[1:] != ["--version"]:
        for name in [name for name in COMMANDS if name in sys.argv] or COMMANDS:
            register(name)
    app()

"""`kefu token`: an agent's token on standard output, for scripts that use the agents' API or sockets."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from kefu.cli.kept_secret import with_kept_secret
from kefu.cli.running import stop
from kefu.config import ConfigError, load_settings, reveal
from kefu.config_rules import agents_secret
from kefu.store.embedded_place import EmbeddedPostgresError
from kefu.tokens import AGENT_TOKEN_S, ROLES, Role, issue_agent_token


def token(
    agent_id: Annotated[str, typer.Option("--id", help="The agent's id.")] = "script",
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "agent",
    name: Annotated[str, typer.Option(help="The name that visitors see.")] = "Script",
    seconds: Annotated[int, typer.Option(help="Life of the token, at most a day.")] = AGENT_TOKEN_S,
) -> None:
    """Print an agent token for scripts."""
    try:
        secret = reveal(with_kept_secret(load_settings()).admin_jwt_secret)
    except ConfigError as error:
        stop(*error.problems)
    except EmbeddedPostgresError as error:
        stop(str(error))
    if problems := agents_secret(secret):
        stop(*problems)
    try:
        print(issue_agent_token(secret or "", agent_id=agent_id, role=cast("Role", role), name=name, seconds=seconds))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None

"""`kefu site`: the main site alone, beside a chat-server that runs elsewhere."""

from __future__ import annotations

from kefu import logs
from kefu.cli import systemd
from kefu.cli.running import run, with_database
from kefu.config import check_site, load_settings
from kefu.mainsite.serve import run_site


def site() -> None:
    """Run the main site alone: login, console page, token route, demo shop."""
    run(_serve())


async def _serve() -> None:
    settings = load_settings()
    logs.configure(settings.log_level)
    check_site(settings)
    async with systemd.watched(), with_database(settings) as ready:

        def started() -> None:
            logs.announce(f"SITE_OK port={ready.site_port}")
            systemd.tell(systemd.READY)

        await run_site(ready, started=started, stopping=lambda: systemd.tell(systemd.STOPPING))

"""Whether the page's Origin reaches chat-server as the browser sent it, or a proxy writes or removes it.

No list can mend that: chat-server then refuses everybody, or admits every page. Asks for polling sessions by what
browsers say of a request; judges by who is let in, so it needs no secret.
"""

from __future__ import annotations

from kefu.doctor.findings import Finding, finding
from kefu.doctor.request import Target, ask
from kefu.doctor.server_url import told
from kefu.doctor.sockets import FORBIDDEN, LISTS, POLLING, Patience

STRANGER = "https://kefu-doctor.invalid"
"""An origin that nobody lists."""
UNKNOWN = "…"
_FROM_ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}
"""What a browser says of a page on another site. Without an Origin beside it chat-server refuses, and notes nothing."""


async def check(target: Target, path: str, origin: str, patience: Patience) -> list[Finding]:
    """Whether a header that we send, or leave out, makes the difference that it must make.

    Args:
        target: Where chat-server is.
        path: Such as `/ws-visitor`.
        origin: Of a page that may be listed; empty if none is known.
        patience: How long to wait.
    """
    opened: set[str] = set()

    async def is_let_in(headers: dict[str, str]) -> bool | None:
        """None: the answer says nothing of origins; one that came before is a cache's."""
        answer = await ask(target, path + POLLING, headers=headers, timeout_s=patience.answer_s)
        if answer.status == 200 and answer.text.startswith("0{") and answer.text not in opened:
            opened.add(answer.text)
            return True
        return False if told(answer).get("code") == FORBIDDEN else None

    plain = await is_let_in({})
    if plain is None:
        return []
    written = not plain  # there is no Origin in it to refuse
    if plain and await is_let_in(_FROM_ELSEWHERE):
        written = bool(await is_let_in({"Origin": STRANGER}))
    elif plain and origin and await is_let_in({"Origin": origin}):
        written = await is_let_in({"Origin": origin, **_FROM_ELSEWHERE}) is False
    return [finding("origin_changed", path=path, setting=LISTS[path], written=UNKNOWN)] if written else []

"""How an endpoint's exception is logged: where it happened and its type, never its words.

An exception's message may repeat what a client sent, and logs hold no payloads and no addresses.
"""

from __future__ import annotations

import logging
import traceback

logger = logging.getLogger("kefu.transport")


def log_endpoint_fault(call: str, path: str, error: BaseException) -> None:
    """Logs that `call` of the endpoint on `path` raised."""
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    logger.error("%s of %s raised %s:\n%s", call, path, type(error).__qualname__, where)

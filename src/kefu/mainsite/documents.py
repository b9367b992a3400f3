"""Pages from templates: a text for each `{{t:key}}`, an escaped value for each `{{name}}`.

Knows files and escaping; knows nothing of requests. `{{raw:name}}` takes a value that is HTML already; only code in
this folder may make one.
"""

from __future__ import annotations

import functools
import html
import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from kefu.mainsite.locale import LOCALES, Locale

PLACEHOLDER = re.compile(r"\{\{(?:(t|raw):)?([a-z_.]+)\}\}")
OWN_ASSETS = "/assets"
"""Where Kefu's own main site has styles, scripts and pictures; another site gives its own `assets`."""
FOLDER: Traversable = files("kefu.mainsite")


def render(page: str, locale: Locale, **values: str) -> str:
    """A page as HTML.

    Args:
        page: Name of a file in `pages/`, without its ending.
        locale: Language of the texts; the template gets it as `{{locale}}`.
        **values: What the template's placeholders stand for.

    Raises:
        KeyError: The template asks for a value or a text that there is not.
    """
    known = {"locale": locale, "assets": OWN_ASSETS, **values}

    def fill(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "raw":
            return known[name]
        return html.escape(texts(locale)[name] if kind == "t" else known[name])

    return PLACEHOLDER.sub(fill, template(page))


@functools.cache
def template(page: str) -> str:
    """A template, with the parts it includes as `{{> part}}`."""
    source = (FOLDER / "pages" / f"{page}.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{> ([a-z]+)\}\}", lambda match: template(match[1]), source)


@functools.cache
def texts(locale: Locale) -> dict[str, str]:
    """Every text of a language, by key."""
    catalogue: dict[str, str] = json.loads((FOLDER / "texts" / f"{locale}.json").read_text(encoding="utf-8"))
    return catalogue


def load_all() -> None:
    """Reads every file once, so that a missing one stops the start and not a request."""
    for page in (FOLDER / "pages").iterdir():
        template(page.name.removesuffix(".html"))
    for locale in LOCALES:
        texts(locale)

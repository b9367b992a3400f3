"""Writes the generated parts of the documentation: between `<!-- begin NAME -->` and `<!-- end NAME -->` of any page.

    python docs/generate.py            # write
    python docs/generate.py --check    # fail if a page differs, or a text lacks its translation

English comes from the code: descriptions of settings, docstrings of shapes and routes. `docs/texts/zh-CN.json` holds
the same in Chinese.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from kefu.api.http import openapi
from kefu.config import Settings
from kefu.wire import events
from kefu.wire.asyncapi import TABLES
from kefu.wire.schema import contract_schema

DOCS = Path(__file__).parent
LANGUAGES = ("en", "zh-CN")
PART = re.compile(r"(<!-- begin ([a-z-]+) -->\n)(.*?)(<!-- end \2 -->)", re.DOTALL)

Json = dict[str, Any]


class Texts:
    """English as it is, or its translation by key.

    Args:
        language: One of `LANGUAGES`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts: Json | None = None
        if language != "en":
            self._texts = json.loads((DOCS / "texts" / f"{language}.json").read_text(encoding="utf-8"))
        self.missing: list[str] = []
        self.used: set[str] = set()

    def of(self, key: str, english: str) -> str:
        """The text for a key; a missing translation is noted and left in English."""
        self.used.add(key)
        if self._texts is None:
            return english
        if key not in self._texts:
            self.missing.append(f"docs/texts/{self.language}.json lacks {key!r}: {english}")
        return str(self._texts.get(key, english))

    def unused(self) -> list[str]:
        """Translations of what is no longer there."""
        spare = (self._texts or {}).keys() - self.used
        return [f"docs/texts/{self.language}.json has {key!r}, which nothing asks for" for key in sorted(spare)]

    def heading(self, *columns: str) -> str:
        """The two lines that open a table."""
        names = [self.of(f"column.{column}", column) for column in columns]
        return row(*names) + "\n" + row(*["---"] * len(columns))


def settings(texts: Texts) -> Iterator[str]:
    """A table row a setting."""
    yield row(
        texts.of("column.name", "name"), texts.of("column.default", "default"), texts.of("column.meaning", "meaning")
    )
    yield row("---", "---", "---")
    for field in Settings.model_fields.values():
        names = names_of(field)
        meaning = texts.of(f"setting.{names[0]}", field.description or "")
        if len(names) > 1:
            meaning += " " + texts.of("older", "Older name:") + " " + ", ".join(f"`{name}`" for name in names[1:])
        yield row(f"`{names[0]}`", default_of(field, texts), meaning)


def names_of(field: FieldInfo) -> list[str]:
    """The environment names of a setting, the one to use first."""
    alias = field.validation_alias
    return [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else [str(alias)]


def default_of(field: FieldInfo, texts: Texts) -> str:
    """A setting's default as one would write it."""
    value = field.default
    if field.default_factory is not None or value is None or value in ("", ()):
        return texts.of("unset", "unset")
    if isinstance(value, dict):
        value = [f"{theirs}={ours}" for theirs, ours in value.items()]
    return f"`{','.join(map(str, value)) if isinstance(value, tuple | list) else value}`"


def http_routes(texts: Texts) -> Iterator[str]:
    """A table row a route."""
    document = openapi()
    yield row(
        texts.of("column.route", "route"), texts.of("column.answer", "answer"), texts.of("column.meaning", "meaning")
    )
    yield row("---", "---", "---")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            meaning = texts.of(f"route.{operation['operationId']}", one_line(operation["description"]))
            yield row(f"`{method.upper()} {path}`", ", ".join(operation["responses"]), meaning)


def received(table: dict[str, tuple[type, type]]) -> Callable[[Texts], Iterator[str]]:
    """Rows of what a client sends: event, payload, ack."""

    def rows(texts: Texts) -> Iterator[str]:
        yield row(
            texts.of("column.event", "event"), texts.of("column.payload", "payload"), texts.of("column.ack", "ack")
        )
        yield row("---", "---", "---")
        for event, (payload, ack) in table.items():
            yield row(f"`{event}`", link(payload.__name__), link(ack.__name__))

    return rows


def sent(table: dict[str, type]) -> Callable[[Texts], Iterator[str]]:
    """Rows of what the server sends."""

    def rows(texts: Texts) -> Iterator[str]:
        yield texts.heading("event", "payload")
        for event, shape in table.items():
            yield row(f"`{event}`", link(shape.__name__))

    return rows


def shapes(texts: Texts) -> Iterator[str]:
    """A section a shape: what it means, a row a field."""
    definitions = contract_schema()["definitions"]
    for name, schema in definitions.items():
        if name in TABLES:
            continue
        yield f"\n### {name}\n"
        yield texts.of(f"shape.{name}", paragraphs(schema.get("description", ""))) + "\n"
        if "properties" not in schema:
            yield type_of(schema)
            continue
        required = schema.get("required", [])
        yield texts.heading("field", "type")
        for field, kind in schema["properties"].items():
            optional = "" if field in required else " " + texts.of("optional", "(optional)")
            yield row(f"`{field}`", type_of(kind) + optional)


def type_of(schema: Json) -> str:
    """A JSON Schema in a few words, with links to shapes."""
    if "$ref" in schema:
        return link(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " \\| ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " \\| ".join(type_of(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return "[" + type_of(schema.get("items", {})) + "]"
    bounds = [str(schema[bound]) for bound in ("minimum", "maximum") if bound in schema]
    return str(schema.get("type", "any")) + (f" {'–'.join(bounds)}" if bounds else "")


PARTS: dict[str, Callable[[Texts], Iterator[str]]] = {
    "settings": settings,
    "http-routes": http_routes,
    "visitor-events": received(events.VISITOR_EVENTS),
    "agent-events": received(events.AGENT_EVENTS),
    "to-visitor": sent(events.TO_VISITOR),
    "to-agent": sent(events.TO_AGENT),
    "shapes": shapes,
}


def row(*cells: str) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def link(shape: str) -> str:
    """A link to a shape's section of the same page."""
    return f"[{shape}](#{shape.lower()})"


def one_line(text: str) -> str:
    """A docstring's text, without its line breaks."""
    return " ".join(inspect.cleandoc(text).split())


def paragraphs(text: str) -> str:
    """A docstring's text, one line a paragraph."""
    return "\n\n".join(one_line(part) for part in inspect.cleandoc(text).split("\n\n"))


def generate(page: str, texts: Texts) -> str:
    """A page with its parts as the code has them now.

    Raises:
        KeyError: The page asks for a part that there is not.
    """
    return PART.sub(lambda found: f"{found[1]}{chr(10).join(PARTS[found[2]](texts))}\n{found[4]}", page)


def main(arguments: list[str]) -> int:
    """Writes or checks every page.

    Returns:
        The exit code.
    """
    problems: list[str] = []
    for language in LANGUAGES:
        texts = Texts(language)
        for path in sorted((DOCS / language).glob("*.md")):
            page = path.read_text(encoding="utf-8")
            fresh = generate(page, texts)
            if fresh == page:
                continue
            if "--check" in arguments:
                problems.append(f"docs/{language}/{path.name} is not as the code has it: python docs/generate.py")
            else:
                path.write_text(fresh, encoding="utf-8")
        problems += texts.missing + texts.unused()
    print(*problems, sep="\n", file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The wire contract as one JSON Schema; `web/protocol` is generated from what this module prints.

Knows how msgspec describes a shape and what the wire adds to that: which fields are always sent, and that an ack's `ok`
is a constant. Knows no TypeScript and writes no file.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any, TextIO

import msgspec

from kefu.wire import errors, events, http

Json = dict[str, Any]

_REFERENCE = "#/definitions/{name}"


def contract_schema() -> Json:
    """One schema whose properties are the four event tables.

    Returns:
        `VisitorEvents` and `AgentEvents` map an event to `{payload, ack}`, `ToVisitor` and `ToAgent` to its payload;
        `RefusedAck` is the other ack that any event may get, `DoctorReport` what owners ask for by
        HTTP. Shapes are under `definitions`, sorted by name.
    """
    shapes = _shapes()
    _, components = msgspec.json.schema_components(shapes, ref_template=_REFERENCE)
    classes = {shape.__name__: shape for shape in _with_nested(shapes)}
    definitions = {name: _described(components[name], classes.get(name)) for name in sorted(components)}
    definitions["VisitorEvents"] = _table(
        {name: _table({"payload": _to(sent), "ack": _to(ack)}) for name, (sent, ack) in events.VISITOR_EVENTS.items()},
        "Visitor → server.",
    )
    definitions["AgentEvents"] = _table(
        {name: _table({"payload": _to(sent), "ack": _to(ack)}) for name, (sent, ack) in events.AGENT_EVENTS.items()},
        "Agent → server.",
    )
    definitions["ToVisitor"] = _table(
        {name: _to(shape) for name, shape in events.TO_VISITOR.items()}, "Server → visitor."
    )
    definitions["ToAgent"] = _table({name: _to(shape) for name, shape in events.TO_AGENT.items()}, "Server → agent.")
    tables = ("VisitorEvents", "AgentEvents", "ToVisitor", "ToAgent", "RefusedAck", "DoctorReport")
    root = _table(
        {name: {"$ref": _REFERENCE.format(name=name)} for name in tables},
        "Everything that crosses the sockets, and what the console reads by HTTP.",
    )
    return {"title": "Contract", **root, "definitions": definitions}


def _shapes() -> list[type]:
    sent_and_acked = [shape for pair in (events.VISITOR_EVENTS | events.AGENT_EVENTS).values() for shape in pair]
    told = [*events.TO_VISITOR.values(), *events.TO_AGENT.values()]
    return list(dict.fromkeys([*sent_and_acked, *told, errors.RefusedAck, http.DoctorReport]))


def _with_nested(shapes: list[type]) -> list[type]:
    """The shapes and every struct that their fields mention."""
    found: dict[type, None] = {}
    waiting = list(msgspec.inspect.multi_type_info(shapes))
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls not in found:
                found[info.cls] = None
                waiting.extend(field.type for field in info.fields)
        elif isinstance(info, msgspec.inspect.UnionType):
            waiting.extend(info.types)
        elif isinstance(info, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
            waiting.append(info.item_type)
    return list(found)


def _described(schema: Json, shape: type | None) -> Json:
    """A component as the wire has it: tidy text, required what is always there, `ok` a constant."""
    schema = {key: value for key, value in schema.items() if key != "title"}
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    if "properties" not in schema:
        return schema
    properties = {name: _field(name, field) for name, field in schema["properties"].items()}
    always_sent = shape is not None and not shape.__struct_config__.omit_defaults  # type: ignore[attr-defined]
    required = list(properties) if always_sent else schema.get("required", [])
    return {**schema, "properties": properties, "required": required}


def _field(name: str, field: Json) -> Json:
    if name == "ok":
        return {"const": field.get("default", False)}
    return {key: value for key, value in field.items() if key != "default"}


def _to(shape: type) -> Json:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}


def _table(properties: Json, description: str | None = None) -> Json:
    table: Json = {"type": "object", "properties": properties, "required": list(properties)}
    return {**table, "description": description} if description else table


def write(out: TextIO) -> None:
    """Prints the schema, indented so that a difference reads well."""
    json.dump(contract_schema(), out, indent=1, ensure_ascii=False)
    out.write("\n")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    write(sys.stdout)

"""The AsyncAPI document: whole, of the contract's tables, with shapes that judge real payloads."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from kefu.wire import events
from kefu.wire.asyncapi import asyncapi_document
from kefu.wire.visitor import MessageAck

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    return asyncapi_document("1.2.3")


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def resolve(document: Json, reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return resolve(document, node["$ref"]) if set(node) == {"$ref"} else node


def judge(document: Json, shape: str, payload: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{shape}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(payload)


def test_every_reference_leads_somewhere(document: Json) -> None:
    found = references(document)
    assert len(found) > 100
    for reference in found:
        assert resolve(document, reference)


def test_every_event_is_an_operation_on_its_path(document: Json) -> None:
    operations = document["operations"]
    received = {name: one for name, one in operations.items() if one["action"] == "receive"}
    assert received.keys() == {
        *(f"visitor_{event}" for event in events.VISITOR_EVENTS),
        *(f"agent_{event}" for event in events.AGENT_EVENTS),
    }
    sent = operations.keys() - received.keys()
    assert sent == {
        *(f"to_visitor_{event}" for event in events.TO_VISITOR),
        *(f"to_agent_{event}" for event in events.TO_AGENT),
    }
    assert document["channels"]["visitor"]["address"] == "/ws-visitor"
    assert document["channels"]["agent"]["address"] == "/ws-admin"


def test_an_operation_leads_to_its_shape_and_its_ack(document: Json) -> None:
    operation = document["operations"]["visitor_visitor_message"]
    message = resolve(document, operation["messages"][0]["$ref"])
    assert message["name"] == "visitor_message"
    assert message["payload"]["$ref"].endswith("/VisitorMessage")
    replies = [resolve(document, reply["$ref"])["payload"]["$ref"] for reply in operation["reply"]["messages"]]
    assert [reply.rpartition("/")[2] for reply in replies] == ["MessageAck", "RefusedAck"]


def test_the_shapes_are_schemas_that_judge_payloads(document: Json) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ack = msgspec.to_builtins(MessageAck("m1", "c1", 1, "2026-01-02T03:04:05.678Z"))
    judge(document, "MessageAck", ack)
    judge(document, "VisitorMessage", {"bodyText": "hello"})
    with pytest.raises(jsonschema.ValidationError):
        judge(document, "MessageAck", {**ack, "seq": "1"})
    with pytest.raises(jsonschema.ValidationError):
        judge(document, "VisitorMessage", {"conversationId": "c1"})

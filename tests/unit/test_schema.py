"""The JSON Schema of the wire: what `web/protocol` is generated from."""

import io
import json

import pytest

from kefu.wire import events
from kefu.wire.schema import contract_schema, write


@pytest.fixture(scope="module")
def schema():
    return contract_schema()


def resolve(schema, name):
    return schema["definitions"][name]


def test_every_event_is_in_its_table(schema):
    assert list(resolve(schema, "VisitorEvents")["properties"]) == list(events.VISITOR_EVENTS)
    assert list(resolve(schema, "AgentEvents")["properties"]) == list(events.AGENT_EVENTS)
    assert list(resolve(schema, "ToVisitor")["properties"]) == list(events.TO_VISITOR)
    assert list(resolve(schema, "ToAgent")["properties"]) == list(events.TO_AGENT)


def test_every_reference_leads_somewhere(schema):
    references = set()

    def collect(node):
        if isinstance(node, dict):
            references.update(value for key, value in node.items() if key == "$ref")
            for value in node.values():
                collect(value)
        elif isinstance(node, list):
            for value in node:
                collect(value)

    collect(schema)
    assert references
    assert {ref.removeprefix("#/definitions/") for ref in references} <= set(schema["definitions"])


def test_what_the_server_always_sends_is_required(schema):
    message = resolve(schema, "Message")
    assert set(message["required"]) == set(message["properties"])
    note = resolve(schema, "Note")
    assert "clientId" in note["required"], "a field with a default is sent too"


def test_what_a_client_may_leave_out_is_optional(schema):
    hello = resolve(schema, "VisitorHello")
    assert hello["required"] == []
    assert resolve(schema, "VisitorMessage")["required"] == ["bodyText"]


def test_what_a_refusal_may_leave_out_is_optional(schema):
    refused = resolve(schema, "RefusedAck")
    assert "retryAfterMs" in refused["properties"]
    assert "retryAfterMs" not in refused["required"]


def test_ok_tells_success_from_refusal(schema):
    assert resolve(schema, "MessageAck")["properties"]["ok"] == {"const": True}
    assert resolve(schema, "RefusedAck")["properties"]["ok"] == {"const": False}


def test_print_is_json_and_the_same_each_time():
    first, second = io.StringIO(), io.StringIO()
    write(first)
    write(second)
    assert first.getvalue() == second.getvalue()
    assert json.loads(first.getvalue())["title"] == "Contract"

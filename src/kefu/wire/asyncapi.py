"""The socket contract as an AsyncAPI 3 document, from the same tables as `web/protocol`.

Knows what AsyncAPI calls things; the shapes come from `kefu.wire.schema`. The document is chat-server's view: it
receives what clients send, replies with an ack where one was asked for, and sends the rest.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from kefu.wire import events
from kefu.wire.schema import Json, contract_schema

TABLES = ("VisitorEvents", "AgentEvents", "ToVisitor", "ToAgent")
SCHEMAS = "#/components/schemas/"
CHANNELS = {
    "visitor": ("/ws-visitor", "A visitor's socket.", events.VISITOR_EVENTS, events.TO_VISITOR),
    "agent": ("/ws-admin", "An agent's socket.", events.AGENT_EVENTS, events.TO_AGENT),
}


def asyncapi_document(version: str) -> Json:
    """The document.

    Args:
        version: Of Kefu.
    """
    document: Json = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kefu sockets",
            "version": version,
            "description": "Socket.IO 5 on Engine.IO 4, namespace `/`, transports websocket and polling. A message is "
            "an event: its name and one payload. Any event of a client may ask for an ack.",
        },
        "defaultContentType": "application/json",
        "servers": {"chat-server": {"host": "localhost:4000", "protocol": "socketio", "protocolVersion": "5"}},
        "channels": {},
        "operations": {},
        "components": {"messages": {}, "schemas": _schemas()},
    }
    for channel in CHANNELS:
        _describe(document, channel)
    return document


def _describe(document: Json, channel: str) -> None:
    """Adds a channel with everything that crosses it."""
    address, meaning, received, sent = CHANNELS[channel]
    named: Json = {}
    document["channels"][channel] = {"address": address, "description": meaning, "messages": named}
    ack_names = [_message(document, channel, named, "ack_refused", "RefusedAck")]
    for event, (payload, ack) in received.items():
        reference = _message(document, channel, named, event, payload.__name__)
        answered = _message(document, channel, named, f"{event}_ack", ack.__name__)
        document["operations"][f"{channel}_{event}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": [reference],
            "reply": {"channel": {"$ref": f"#/channels/{channel}"}, "messages": [answered, *ack_names]},
        }
    for event, shape in sent.items():
        document["operations"][f"to_{channel}_{event}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": [_message(document, channel, named, event, shape.__name__)],
        }


def _message(document: Json, channel: str, named: Json, event: str, shape: str) -> Json:
    """Adds a message to a channel; answers the reference that operations use."""
    key = f"{channel}_{event}"
    payload = {"$ref": f"{SCHEMAS}{shape}"}
    document["components"]["messages"][key] = {"name": event, "title": event, "payload": payload}
    named[event] = {"$ref": f"#/components/messages/{key}"}
    return {"$ref": f"#/channels/{channel}/messages/{event}"}


def _schemas() -> Json:
    """The contract's shapes under AsyncAPI's folder; the tables of events are channels and operations there."""
    definitions = contract_schema()["definitions"]
    return {name: _moved(schema) for name, schema in definitions.items() if name not in TABLES}


def _moved(node: Any) -> Any:
    """A schema whose references lead into the components."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/definitions/", SCHEMAS) if key == "$ref" else _moved(value)
            for key, value in node.items()
        }
    return [_moved(value) for value in node] if isinstance(node, list) else node


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    json.dump(asyncapi_document(sys.argv[1]), sys.stdout, indent=1, ensure_ascii=False)

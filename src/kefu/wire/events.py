"""The socket contract as tables: event name -> its shape. `web/protocol` is generated from here."""

from __future__ import annotations

from kefu.wire import agent, errors, server, shapes, visitor
from kefu.wire.visitor import ClientEvent

VISITOR_EVENTS: dict[str, tuple[type[ClientEvent], type[shapes.Shape]]] = {
    "visitor_hello": (visitor.VisitorHello, visitor.VisitorHelloAck),
    "visitor_message": (visitor.VisitorMessage, visitor.MessageAck),
    "visitor_typing": (visitor.VisitorTyping, visitor.OkAck),
    "visitor_read": (visitor.VisitorRead, visitor.OkAck),
    "visitor_sync": (visitor.VisitorSync, visitor.SyncAck),
}
"""Visitor → server: the event's payload and the ack of its success."""

AGENT_EVENTS: dict[str, tuple[type[ClientEvent], type[shapes.Shape]]] = {
    "admin_auth": (agent.AdminAuth, agent.AdminAuthedAck),
    "admin_inbox": (agent.AdminInbox, agent.InboxAck),
    "admin_join": (agent.AdminJoin, agent.JoinAck),
    "admin_leave": (agent.AdminLeave, visitor.OkAck),
    "admin_message": (agent.AdminMessage, visitor.MessageAck),
    "admin_note": (agent.AdminNote, agent.NoteAck),
    "admin_assign": (agent.AdminAssign, visitor.OkAck),
    "admin_close": (agent.AdminClose, visitor.OkAck),
    "admin_reopen": (agent.AdminReopen, visitor.OkAck),
    "admin_typing": (agent.AdminTyping, visitor.OkAck),
    "admin_read": (agent.AdminRead, visitor.OkAck),
    "admin_sync": (agent.AdminSync, agent.AdminSyncAck),
}
"""Agent → server, the same way."""

TO_VISITOR: dict[str, type] = {
    "conversation_open": server.ConversationOpen,
    "message_history": server.MessageHistory,
    "message_new": shapes.Message,
    "conversation_update": server.ConversationUpdate,
    "typing": server.Typing,
    "read": server.Read,
    "server_restart": server.ServerRestart,
    "error": errors.ErrorEvent,
}
"""Server → visitor."""

TO_AGENT: dict[str, type] = {
    "conversation_open": server.ConversationOpen,
    "message_history": server.MessageHistory,
    "message_new": shapes.Message,
    "note_new": shapes.Note,
    "conversation_update": server.AgentConversationUpdate,
    "admin_authed": agent.AdminAuthedAck,
    "typing": server.Typing,
    "read": server.Read,
    "presence": server.Presence,
    "server_restart": server.ServerRestart,
    "error": errors.ErrorEvent,
}
"""Server → agent."""

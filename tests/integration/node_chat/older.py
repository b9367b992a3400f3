"""A database of the older server, as its migrations made it, and rows in it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import asyncpg

TABLES = """
create type "ConversationStatus" as enum ('open', 'closed');
create table "Conversation" (
  "id" text primary key, "visitorSessionId" text not null, "visitorName" text, "visitorEmail" text, "visitorPhone" text,
  "entryUrl" text, "referrer" text, "status" "ConversationStatus" not null default 'open', "assignedTo" text,
  "ip" text, "createdAt" timestamp(3) not null default now(), "updatedAt" timestamp(3), "closedAt" timestamp(3)
);
create table "Message" (
  "id" text primary key, "conversationId" text not null, "senderType" text not null, "adminId" text,
  "bodyText" text not null, "metadataJson" text, "createdAt" timestamp(3) not null
);
create table "Note" (
  "id" text primary key, "conversationId" text not null, "adminId" text, "bodyText" text not null,
  "createdAt" timestamp(3) not null
);
create table "ConversationTag" ("conversationId" text, "tag" text, primary key ("conversationId", "tag"));
create table "ConversationWaitLog" ("id" text primary key, "conversationId" text, "waitedMs" int);
create table "Ticket" ("id" text primary key, "contact" text, "body" text, "createdAt" timestamp(3));
create table "CannedReply" ("id" text primary key, "title" text, "body" text);
create table "IpBlock" ("id" text primary key, "ip" text);
create table "Event" ("id" text primary key, "payload" jsonb);
create table "Locale" ("id" text primary key, "code" text);
create table "_prisma_migrations" ("id" text primary key);
create table "Campaign" ("id" text primary key);
"""
BEGAN = dt.datetime(2025, 3, 1, 9, 0, 0)  # noqa: DTZ001 - the older server's columns have no zone; they mean UTC
SESSION = "v_1740819600000_k3j9x2m4q8"


def at(minutes: float) -> dt.datetime:
    """A time of the older database."""
    return BEGAN + dt.timedelta(minutes=minutes)


class Older:
    """The older database, for tests to fill."""

    def __init__(self, url: str) -> None:
        self.url = url

    def sql(self, statement: str, *arguments: Any) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(statement, *arguments)
            finally:
                await connection.close()

        asyncio.run(run())

    def conversation(self, identity: str, session: str = SESSION, minutes: float = 0, **columns: Any) -> None:
        names = {"id": identity, "visitorSessionId": session, "createdAt": at(minutes), **columns}
        self._insert("Conversation", names)

    def message(self, conversation: str, number: int, sender: str, text: str, **columns: Any) -> None:
        names = {"id": f"{conversation}-m{number}", "conversationId": conversation, "senderType": sender}
        self._insert("Message", {**names, "bodyText": text, "createdAt": at(number), **columns})

    def note(self, conversation: str, number: int, text: str, **columns: Any) -> None:
        names = {"id": f"{conversation}-n{number}", "conversationId": conversation, "bodyText": text}
        self._insert("Note", {**names, "createdAt": at(number), **columns})

    def row(self, table: str, **columns: Any) -> None:
        self._insert(table, columns)

    def _insert(self, table: str, columns: dict[str, Any]) -> None:
        values = [json.dumps(value) if isinstance(value, dict) else value for value in columns.values()]
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join(f"${place + 1}" for place in range(len(values)))
        self.sql(f'insert into "{table}" ({names}) values ({marks})', *values)

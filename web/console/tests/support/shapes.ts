/** Rows, messages and notes with everything filled in; a test names what it is about. */

import type { InboxRow, Message, Note } from '@kefu/protocol'

export const ME = 'agent-1'

export function row(id: string, change: Partial<InboxRow> = {}): InboxRow {
  return {
    conversationId: id,
    status: 'open',
    assignedTo: null,
    assigneeName: null,
    seq: 1,
    noteSeq: 0,
    unread: 0,
    preview: `preview of ${id}`,
    previewSender: 'visitor',
    lastMessageAt: '2026-11-22T08:00:00.000Z',
    waitingSince: null,
    visitorReadSeq: 0,
    agentReadSeq: 0,
    visitorName: null,
    visitorEmail: null,
    visitorPhone: null,
    entryUrl: null,
    referrer: null,
    pageTitle: null,
    locale: null,
    timezone: null,
    createdAt: '2026-11-22T07:00:00.000Z',
    closedAt: null,
    visitorOnline: null,
    ...change,
  }
}

export function message(seq: number, change: Partial<Message> = {}): Message {
  return {
    id: `m${seq}`,
    conversationId: 'c1',
    seq,
    senderType: 'visitor',
    adminId: null,
    author: null,
    bodyText: `text ${seq}`,
    metadataJson: null,
    createdAt: new Date(Date.UTC(2026, 10, 22, 8, 0, seq)).toISOString(),
    clientId: null,
    ...change,
  }
}

export function note(noteSeq: number, afterSeq: number, change: Partial<Note> = {}): Note {
  return {
    id: `n${noteSeq}`,
    conversationId: 'c1',
    noteSeq,
    afterSeq,
    adminId: ME,
    bodyText: `note ${noteSeq}`,
    createdAt: new Date(Date.UTC(2026, 10, 22, 8, 0, afterSeq, 500)).toISOString(),
    author: null,
    clientId: null,
    ...change,
  }
}

/**
 * Lays a conversation out as lines: messages and notes in their order, with days, groups and marks between them.
 * Pure: no clock, no socket, no component. Order is `seq`, never time.
 */

import type { Message, Note } from '@kefu/protocol'

/** What the agent has sent and the server has not yet confirmed. */
export interface Outgoing {
  clientId: string
  kind: 'reply' | 'note'
  text: string
  quickReplies: readonly string[]
  state: 'queued' | 'sending' | 'failed'
  /** The code of the refusal of a failed one. */
  error: string | null
  createdAt: string
}

/** Where a line stands in its group: lines of one author within `GROUP_GAP_MS` look like one block. */
export interface Grouped {
  first: boolean
  last: boolean
}

/** Whether the visitor has seen an agent's message; `last` is the newest of those. */
export type Seen = 'no' | 'yes' | 'last'

export type Line =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'unread'; key: string }
  | { kind: 'system'; key: string; text: string; at: string }
  | ({ kind: 'message'; key: string; message: Message; seen: Seen } & Grouped)
  | ({ kind: 'note'; key: string; note: Note } & Grouped)
  | ({ kind: 'outgoing'; key: string; outgoing: Outgoing } & Grouped)

export interface ThreadParts {
  messages: readonly Message[]
  notes: readonly Note[]
  outgoing: readonly Outgoing[]
  /** This agent's id: what they have on its way stands with what they have sent. */
  me: string | null
  /** The unread divider stands before the visitor's first message after this; null for none. */
  unreadAfter: number | null
  /** The visitor has seen everything up to here. */
  visitorReadSeq: number
}

/** Two lines of one author further apart than this begin a new group. */
export const GROUP_GAP_MS = 5 * 60_000
/** Messages rendered at once; older and newer ones come as the agent scrolls. */
export const RENDERED_MAX = 300

/**
 * @param parts what is known of the conversation
 * @param dayOf the calendar day of a time where the agent is
 */
export function layOut(parts: ThreadParts, dayOf: (at: string) => string): Line[] {
  const lines: Line[] = []
  const seenSeq = lastSeen(parts.messages, parts.visitorReadSeq)
  let day = ''
  let divided = parts.unreadAfter === null
  for (const entry of inOrder(parts)) {
    const at = entryTime(entry)
    if (dayOf(at) !== day) {
      day = dayOf(at)
      lines.push({ kind: 'day', key: `day:${day}:${lines.length}`, at })
    }
    if (!divided && entry.kind === 'message' && entry.message.senderType === 'visitor') {
      if (entry.message.seq > (parts.unreadAfter ?? 0)) {
        divided = true
        lines.push({ kind: 'unread', key: 'unread' })
      }
    }
    lines.push(toLine(entry, seenSeq))
  }
  return group(lines, parts.me)
}

type Entry =
  | { kind: 'message'; message: Message }
  | { kind: 'note'; note: Note }
  | { kind: 'outgoing'; outgoing: Outgoing }

/** A note stands after the message that was the last when it was written; what is still on its way comes last. */
function* inOrder(parts: ThreadParts): Generator<Entry> {
  const first = parts.messages[0]?.seq ?? 0
  const notes = parts.notes.filter((note) => parts.messages.length === 0 || note.afterSeq >= first - 1)
  const newest = parts.messages.at(-1)?.seq ?? 0
  let next = 0
  for (const message of parts.messages) {
    for (let note = notes[next]; note && note.afterSeq < message.seq; note = notes[++next]) {
      yield { kind: 'note', note }
    }
    yield { kind: 'message', message }
  }
  for (let note = notes[next]; note; note = notes[++next]) {
    if (parts.messages.length === 0 || note.afterSeq >= newest) yield { kind: 'note', note }
  }
  for (const outgoing of parts.outgoing) yield { kind: 'outgoing', outgoing }
}

function entryTime(entry: Entry): string {
  if (entry.kind === 'message') return entry.message.createdAt
  return entry.kind === 'note' ? entry.note.createdAt : entry.outgoing.createdAt
}

function toLine(entry: Entry, seenSeq: number): Line {
  const single = { first: true, last: true }
  if (entry.kind === 'outgoing') return { ...entry, key: entry.outgoing.clientId, ...single }
  if (entry.kind === 'note') {
    return { ...entry, key: entry.note.clientId ?? entry.note.id, ...single }
  }
  const { message } = entry
  if (message.senderType === 'system') {
    return { kind: 'system', key: message.id, text: message.bodyText, at: message.createdAt }
  }
  return { ...entry, key: message.clientId ?? message.id, seen: seenOf(message, seenSeq), ...single }
}

function seenOf({ senderType, seq }: Message, seenSeq: number): Seen {
  if (senderType !== 'admin' || seq > seenSeq) return 'no'
  return seq === seenSeq ? 'last' : 'yes'
}

/** The agents' newest message that the visitor has seen; 0 for none. */
function lastSeen(messages: readonly Message[], visitorReadSeq: number): number {
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index]
    if (message && message.senderType === 'admin' && message.seq <= visitorReadSeq) return message.seq
  }
  return 0
}

function group(lines: Line[], me: string | null): Line[] {
  return lines.map((line, index) => {
    if (!('first' in line)) return line
    return {
      ...line,
      first: !isSameGroup(lines[index - 1], line, me),
      last: !isSameGroup(line, lines[index + 1], me),
    }
  })
}

function isSameGroup(before: Line | undefined, after: Line | undefined, me: string | null): boolean {
  if (!before || !after || !('first' in before) || !('first' in after)) return false
  const gap = Date.parse(lineTime(after)) - Date.parse(lineTime(before))
  return authorOf(before, me) === authorOf(after, me) && Math.abs(gap) <= GROUP_GAP_MS
}

type Bubble = Extract<Line, Grouped>

function lineTime(line: Bubble): string {
  if (line.kind === 'message') return line.message.createdAt
  return line.kind === 'note' ? line.note.createdAt : line.outgoing.createdAt
}

function authorOf(line: Bubble, me: string | null): string {
  if (line.kind === 'outgoing') return line.outgoing.kind === 'note' ? `note:${me}` : `admin:${me}`
  if (line.kind === 'note') return `note:${line.note.adminId}`
  return `${line.message.senderType}:${line.message.adminId ?? ''}`
}

/**
 * The part of a long conversation to render.
 * @param end the newest `seq` to render, null to follow the newest
 */
export function windowOf(messages: readonly Message[], end: number | null): readonly Message[] {
  if (messages.length <= RENDERED_MAX) return messages
  const last = end === null ? messages.length : messages.findIndex((message) => message.seq > end)
  const stop = Math.max(RENDERED_MAX, last < 0 ? messages.length : last)
  return messages.slice(stop - RENDERED_MAX, stop)
}

/** The quick replies that were offered with a message; none where the metadata has none or is no JSON. */
export function quickRepliesOf(message: Message): string[] {
  if (!message.metadataJson) return []
  try {
    const metadata = JSON.parse(message.metadataJson) as { quickReplies?: unknown } | null
    const replies = metadata?.quickReplies
    return Array.isArray(replies) ? replies.filter((reply) => typeof reply === 'string') : []
  } catch {
    return []
  }
}

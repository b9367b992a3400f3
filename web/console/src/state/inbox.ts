/**
 * The inbox as a value: rows by id, the tabs that filter them, their order and their numbers.
 * Pure: it knows no socket, no clock (callers pass the time) and no component.
 */

import type { InboxAck, InboxCounts, InboxRow } from '@kefu/protocol'

export type Filter = 'mine' | 'unassigned' | 'all' | 'closed'
export type Sort = 'newest' | 'waiting'
export const FILTERS: readonly Filter[] = ['mine', 'unassigned', 'all', 'closed']

/** Rows kept in memory; beyond it the ones with the oldest activity go first. */
export const ROWS_MAX = 2000

/** How far one tab has been paged. `asked` tells a tab that is empty from one that nobody has asked for. */
export interface Page {
  cursor: string | null
  more: boolean
  asked: boolean
}

export interface Inbox {
  rows: ReadonlyMap<string, InboxRow>
  /** What the agent has just done and the server has not yet answered, laid over the row. */
  overlays: ReadonlyMap<string, Partial<InboxRow>>
  pages: Readonly<Record<Filter, Page>>
  /** The mark to ask changes from; null before the first answer. */
  since: string | null
  /** As the server counts them; null before it said so. */
  counts: InboxCounts | null
}

const UNASKED: Page = { cursor: null, more: false, asked: false }

export const EMPTY_INBOX: Inbox = {
  rows: new Map(),
  overlays: new Map(),
  pages: { mine: UNASKED, unassigned: UNASKED, all: UNASKED, closed: UNASKED },
  since: null,
  counts: null,
}

export function belongs(row: InboxRow, filter: Filter, me: string | null): boolean {
  if (filter === 'closed') return row.status === 'closed'
  if (row.status === 'closed') return false
  if (filter === 'mine') return me !== null && row.assignedTo === me
  if (filter === 'unassigned') return row.assignedTo === null
  return true
}

/** Takes a live row. `keep` are conversations that must stay in memory, the open one for instance. */
export function putRow(inbox: Inbox, row: InboxRow, me: string | null, keep: ReadonlySet<string>): Inbox {
  const held = inbox.rows.get(row.conversationId)
  if (held && isOlder(row, held)) return inbox
  const rows = new Map(inbox.rows).set(row.conversationId, row)
  return {
    ...inbox,
    rows: prune(rows, keep),
    counts: inbox.counts && (held || isFirstSight(row)) ? recount(inbox.counts, held, row, me) : inbox.counts,
  }
}

/** Takes an answer to `admin_inbox`: a page of `filter`, or the changes since a mark (`filter` null). The mark stays. */
export function putPage(inbox: Inbox, ack: InboxAck, filter: Filter | null, keep: ReadonlySet<string>): Inbox {
  const rows = new Map(inbox.rows)
  for (const row of ack.rows) {
    const held = rows.get(row.conversationId)
    if (!held || !isOlder(row, held)) rows.set(row.conversationId, row)
  }
  const page = { cursor: ack.cursor, more: ack.more, asked: true }
  return {
    ...inbox,
    rows: prune(rows, keep),
    pages: filter ? { ...inbox.pages, [filter]: page } : inbox.pages,
    since: inbox.since ?? ack.since,
    counts: ack.counts ?? inbox.counts,
  }
}

/** Changes a row by what the server has confirmed; a row that is not held stays unknown. */
export function patchRow(inbox: Inbox, id: string, patch: Partial<InboxRow>, me: string | null): Inbox {
  const held = inbox.rows.get(id)
  if (!held) return inbox
  const row = { ...held, ...patch }
  return {
    ...inbox,
    rows: new Map(inbox.rows).set(id, row),
    counts: inbox.counts && recount(inbox.counts, held, row, me),
  }
}

/** Lays a wished change over a row until `null` takes it away. */
export function overlayRow(inbox: Inbox, id: string, patch: Partial<InboxRow> | null): Inbox {
  const overlays = new Map(inbox.overlays)
  if (patch) overlays.set(id, { ...overlays.get(id), ...patch })
  else overlays.delete(id)
  return { ...inbox, overlays }
}

/** The row as the agent should see it, wishes included. */
export function viewRow(inbox: Inbox, id: string): InboxRow | null {
  const row = inbox.rows.get(id)
  if (!row) return null
  const overlay = inbox.overlays.get(id)
  return overlay ? { ...row, ...overlay } : row
}

/** Ids of one tab, best first. */
export function listIds(inbox: Inbox, filter: Filter, me: string | null, sort: Sort): string[] {
  const rows: InboxRow[] = []
  for (const id of inbox.rows.keys()) {
    const row = viewRow(inbox, id)
    if (row && belongs(row, filter, me)) rows.push(row)
  }
  rows.sort(sort === 'waiting' && filter !== 'closed' ? byWaiting : byActivity)
  return rows.map((row) => row.conversationId)
}

/** The numbers beside the tabs, the agent's own unanswered wishes included. */
export function viewCounts(inbox: Inbox, me: string | null): InboxCounts | null {
  let counts = inbox.counts
  if (!counts) return null
  for (const id of inbox.overlays.keys()) {
    const row = inbox.rows.get(id)
    const seen = viewRow(inbox, id)
    if (row && seen) counts = recount(counts, row, seen, me)
  }
  return counts
}

/** Unread messages in conversations that this agent answers for: their own and nobody's. */
export function unreadTotal(inbox: Inbox, me: string | null): number {
  let total = 0
  for (const row of inbox.rows.values()) {
    if (row.status === 'open' && (row.assignedTo === null || row.assignedTo === me)) {
      total += inbox.overlays.get(row.conversationId)?.unread ?? row.unread
    }
  }
  return total
}

/** The server has answered and knows of no conversation at all. */
export function isUnusedInbox({ rows, counts, since }: Inbox): boolean {
  return since !== null && rows.size === 0 && (counts === null || counts.all + counts.closed === 0)
}

function isOlder(row: InboxRow, held: InboxRow): boolean {
  return row.seq < held.seq || row.noteSeq < held.noteSeq
}

/** A conversation that is unknown here and has one message has just begun; the server counted without it. */
function isFirstSight(row: InboxRow): boolean {
  return row.seq <= 1 && row.status === 'open'
}

function recount(counts: InboxCounts, from: InboxRow | undefined, to: InboxRow, me: string | null): InboxCounts {
  const next = { ...counts }
  for (const filter of FILTERS) {
    const change = Number(belongs(to, filter, me)) - Number(from ? belongs(from, filter, me) : false)
    next[filter] = Math.max(0, next[filter] + change)
  }
  return next
}

export function activityOf(row: InboxRow): string {
  return row.lastMessageAt ?? row.createdAt
}

function byActivity(a: InboxRow, b: InboxRow): number {
  return compare(activityOf(b), activityOf(a)) || compare(a.conversationId, b.conversationId)
}

/** Who waits longest comes first; who does not wait follows by activity. */
function byWaiting(a: InboxRow, b: InboxRow): number {
  if (a.waitingSince && b.waitingSince) return compare(a.waitingSince, b.waitingSince) || byActivity(a, b)
  if (a.waitingSince || b.waitingSince) return a.waitingSince ? -1 : 1
  return byActivity(a, b)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function prune(rows: Map<string, InboxRow>, keep: ReadonlySet<string>): Map<string, InboxRow> {
  if (rows.size <= ROWS_MAX) return rows
  const oldestFirst = [...rows.values()].sort((a, b) => compare(activityOf(a), activityOf(b)))
  for (const row of oldestFirst) {
    if (rows.size <= ROWS_MAX) break
    if (!keep.has(row.conversationId)) rows.delete(row.conversationId)
  }
  return rows
}

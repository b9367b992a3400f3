import type { InboxAck } from '@kefu/protocol'
import { describe, expect, it } from 'vitest'
import {
  EMPTY_INBOX,
  isUnusedInbox,
  listIds,
  overlayRow,
  patchRow,
  putPage,
  putRow,
  ROWS_MAX,
  unreadTotal,
  viewCounts,
  viewRow,
} from '../src/state/inbox.ts'
import { ME, row } from './support/shapes.ts'

const NONE: ReadonlySet<string> = new Set()

function page(rows: InboxAck['rows'], change: Partial<InboxAck> = {}): InboxAck {
  return { ok: true, rows, cursor: null, more: false, since: 's1', counts: null, ...change }
}

describe('a live row', () => {
  it('replaces what was held', () => {
    const inbox = putRow(putRow(EMPTY_INBOX, row('a'), ME, NONE), row('a', { seq: 2, preview: 'new' }), ME, NONE)
    expect(inbox.rows.get('a')?.preview).toBe('new')
  })

  it('that is older than what is held changes nothing', () => {
    const held = putRow(EMPTY_INBOX, row('a', { seq: 5 }), ME, NONE)
    expect(putRow(held, row('a', { seq: 4 }), ME, NONE)).toBe(held)
    const noted = putRow(EMPTY_INBOX, row('a', { noteSeq: 2 }), ME, NONE)
    expect(putRow(noted, row('a', { noteSeq: 1 }), ME, NONE)).toBe(noted)
  })

  it('moves the numbers beside the tabs', () => {
    const counts = { mine: 1, unassigned: 4, all: 5, closed: 0 }
    let inbox = putPage(EMPTY_INBOX, page([row('a')], { counts }), 'all', NONE)
    inbox = putRow(inbox, row('a', { assignedTo: ME }), ME, NONE)
    expect(inbox.counts).toEqual({ mine: 2, unassigned: 3, all: 5, closed: 0 })
    inbox = putRow(inbox, row('a', { assignedTo: ME, status: 'closed' }), ME, NONE)
    expect(inbox.counts).toEqual({ mine: 1, unassigned: 3, all: 4, closed: 1 })
  })

  it('of a conversation that has just begun counts; an old one that was only not in memory does not', () => {
    const counts = { mine: 0, unassigned: 4, all: 4, closed: 0 }
    const inbox = putPage(EMPTY_INBOX, page([], { counts }), 'all', NONE)
    expect(putRow(inbox, row('new', { seq: 1 }), ME, NONE).counts?.unassigned).toBe(5)
    expect(putRow(inbox, row('old', { seq: 40 }), ME, NONE).counts?.unassigned).toBe(4)
  })
})

describe('a page', () => {
  it('remembers its cursor, the first mark and the counts', () => {
    const counts = { mine: 0, unassigned: 1, all: 1, closed: 0 }
    const inbox = putPage(EMPTY_INBOX, page([row('a')], { cursor: 'c', more: true, counts }), 'all', NONE)
    expect(inbox.pages.all).toEqual({ cursor: 'c', more: true, asked: true })
    expect(inbox.pages.mine.asked).toBe(false)
    expect(inbox.since).toBe('s1')
    expect(inbox.counts).toEqual(counts)
  })

  it('of a later question leaves the mark alone, or changes between two pages would be missed', () => {
    const first = putPage(EMPTY_INBOX, page([row('a')]), 'all', NONE)
    expect(putPage(first, page([row('b')], { since: 's9' }), 'closed', NONE).since).toBe('s1')
  })

  it('with changes since a mark adds and replaces rows and touches no tab', () => {
    const first = putPage(EMPTY_INBOX, page([row('a'), row('b')]), 'all', NONE)
    const next = putPage(first, page([row('b', { seq: 2, status: 'closed' }), row('c')]), null, NONE)
    expect([...next.rows.keys()]).toEqual(['a', 'b', 'c'])
    expect(next.rows.get('b')?.status).toBe('closed')
    expect(next.pages).toBe(first.pages)
  })

  it('never makes the memory hold more rows than its limit, and never drops what must stay', () => {
    const rows = Array.from({ length: ROWS_MAX + 5 }, (_, at) =>
      row(`c${at}`, { lastMessageAt: new Date(Date.UTC(2026, 0, 1) + at * 1000).toISOString() }),
    )
    const inbox = putPage(EMPTY_INBOX, page(rows), 'all', new Set(['c0']))
    expect(inbox.rows.size).toBe(ROWS_MAX)
    expect(inbox.rows.has('c0')).toBe(true)
    expect(inbox.rows.has('c1')).toBe(false)
    expect(inbox.rows.has(`c${ROWS_MAX + 4}`)).toBe(true)
  })
})

describe('the list', () => {
  const inbox = putPage(
    EMPTY_INBOX,
    page([
      row('mine', { assignedTo: ME, lastMessageAt: '2026-11-22T08:03:00.000Z' }),
      row('waits', { waitingSince: '2026-11-22T07:30:00.000Z', lastMessageAt: '2026-11-22T08:01:00.000Z' }),
      row('theirs', {
        assignedTo: 'agent-2',
        waitingSince: '2026-11-22T07:40:00.000Z',
        lastMessageAt: '2026-11-22T08:02:00.000Z',
      }),
      row('silent', { lastMessageAt: null, createdAt: '2026-11-22T08:04:00.000Z' }),
      row('closed', { status: 'closed', assignedTo: ME }),
    ]),
    'all',
    NONE,
  )

  it('shows each tab its own conversations, newest first', () => {
    expect(listIds(inbox, 'all', ME, 'newest')).toEqual(['silent', 'mine', 'theirs', 'waits'])
    expect(listIds(inbox, 'mine', ME, 'newest')).toEqual(['mine'])
    expect(listIds(inbox, 'unassigned', ME, 'newest')).toEqual(['silent', 'waits'])
    expect(listIds(inbox, 'closed', ME, 'newest')).toEqual(['closed'])
  })

  it('puts who waits longest first when asked', () => {
    expect(listIds(inbox, 'all', ME, 'waiting')).toEqual(['waits', 'theirs', 'silent', 'mine'])
  })

  it('shows a wish before the server has answered, and its taking back', () => {
    const wished = overlayRow(inbox, 'waits', { assignedTo: ME })
    expect(listIds(wished, 'mine', ME, 'newest')).toEqual(['mine', 'waits'])
    expect(viewRow(wished, 'waits')?.assignedTo).toBe(ME)
    expect(listIds(overlayRow(wished, 'waits', null), 'mine', ME, 'newest')).toEqual(['mine'])
  })

  it('counts wishes too', () => {
    const counted = { ...inbox, counts: { mine: 1, unassigned: 2, all: 4, closed: 1 } }
    expect(viewCounts(overlayRow(counted, 'waits', { status: 'closed' }), ME)).toEqual({
      mine: 1,
      unassigned: 1,
      all: 3,
      closed: 2,
    })
  })
})

it('unread is what waits for this agent: their own and nobody’s, not closed', () => {
  let inbox = EMPTY_INBOX
  inbox = putRow(inbox, row('a', { unread: 2 }), ME, NONE)
  inbox = putRow(inbox, row('b', { unread: 3, assignedTo: ME }), ME, NONE)
  inbox = putRow(inbox, row('c', { unread: 5, assignedTo: 'agent-2' }), ME, NONE)
  inbox = putRow(inbox, row('d', { unread: 7, status: 'closed' }), ME, NONE)
  expect(unreadTotal(inbox, ME)).toBe(5)
  expect(unreadTotal(patchRow(inbox, 'b', { unread: 0 }, ME), ME)).toBe(2)
})

it('an inbox counts as never used only after the server has said so', () => {
  expect(isUnusedInbox(EMPTY_INBOX)).toBe(false)
  const counts = { mine: 0, unassigned: 0, all: 0, closed: 0 }
  expect(isUnusedInbox(putPage(EMPTY_INBOX, page([], { counts }), 'all', NONE))).toBe(true)
  expect(isUnusedInbox(putPage(EMPTY_INBOX, page([], { counts: { ...counts, closed: 3 } }), 'all', NONE))).toBe(false)
})

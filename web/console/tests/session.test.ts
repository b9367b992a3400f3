import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SYNC_EVERY_MS } from '../src/session/inbox.ts'
import { TOAST_SHOWN_MS } from '../src/session/toasts.ts'
import { viewRow } from '../src/state/inbox.ts'
import { type Bench, makeBench, refused } from './support/fake-server.ts'
import { ME, message, note, row } from './support/shapes.ts'

let bench: Bench

const settle = (ms = 50) => vi.advanceTimersByTimeAsync(ms)
const state = () => bench.store.get()

function inboxAck(rows = [row('c1', { seq: 2 })], since = 's1') {
  return {
    ok: true,
    rows,
    cursor: null,
    more: false,
    since,
    counts: { mine: 0, unassigned: rows.length, all: rows.length, closed: 0 },
  }
}

function joinAck(messages = [message(1), message(2)], notes = [note(1, 1)]) {
  const seq = messages.at(-1)?.seq ?? 0
  return {
    ok: true,
    conversationId: 'c1',
    status: 'open',
    seq,
    epoch: 'e1',
    messages,
    notes,
    row: row('c1', { seq }),
    more: false,
    reset: false,
  }
}

async function start() {
  bench.session.start()
  await settle()
}

async function open(id = 'c1') {
  bench.session.actions.open(id)
  await settle()
}

beforeEach(() => {
  vi.useFakeTimers({
    now: Date.UTC(2026, 10, 22, 9),
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'setImmediate', 'clearImmediate'],
  })
  globalThis.indexedDB = new IDBFactory()
  localStorage.clear()
  sessionStorage.clear()
  bench = makeBench()
  bench.server.answers = {
    admin_auth: () => bench.server.authed(),
    admin_inbox: () => inboxAck(),
    admin_join: () => joinAck(),
    admin_assign: () => ({ ok: true }),
    admin_close: () => ({ ok: true }),
    admin_reopen: () => ({ ok: true }),
  }
})

afterEach(() => {
  bench.session.stop()
  vi.useRealTimers()
})

describe('connection', () => {
  it('shows who is connected once the server says so', async () => {
    expect(state().connection).toBe('connecting')
    await start()
    expect(state().connection).toBe('online')
    expect(state().me).toEqual({ adminId: ME, role: 'agent', name: 'Lin' })
  })

  it('is offline while the server is away, and comes back by itself', async () => {
    await start()
    bench.server.isUp = false
    bench.server.drop()
    await settle()
    expect(state().connection).toBe('offline')
    await settle(60_000)
    expect(state().connection).toBe('offline')
    bench.server.isUp = true
    await settle(31_000)
    expect(state().connection).toBe('online')
  })

  it('shows a renewed token over the same connection, before the old one ends', async () => {
    await start()
    await settle(900_000)
    expect(bench.server.last('admin_auth')).toEqual({ token: 'a.b.c' })
    expect(state().connection).toBe('online')
  })

  it('renews when an answer says that the token is old', async () => {
    await start()
    bench.server.push('error', { error: 'TOKEN_EXPIRED', message: '', retryAfterMs: null })
    await settle()
    expect(bench.server.count('admin_auth')).toBe(1)
  })

  it('asks for a login when the main site wants one, and goes on after it', async () => {
    bench.tokenStatus.code = 401
    await start()
    expect(state().trouble).toBe('login')
    expect(state().me).toBeNull()
    bench.tokenStatus.code = 200
    bench.session.actions.tryNow()
    await settle()
    expect(state().trouble).toBeNull()
    expect(state().connection).toBe('online')
  })

  it('says that an account has no access', async () => {
    bench.server.answers.admin_auth = () => refused('FORBIDDEN')
    await start()
    bench.server.push('error', { error: 'UNAUTHORIZED', message: '', retryAfterMs: null })
    await settle()
    expect(state().connection).toBe('forbidden')
  })
})

describe('inbox', () => {
  it('asks for the tab, then for changes after each reconnect and every minute', async () => {
    await start()
    expect(bench.server.sent.filter(({ event }) => event === 'admin_inbox').map(({ payload }) => payload)).toEqual([
      { filter: 'all', cursor: null, limit: 50 },
    ])
    await settle(SYNC_EVERY_MS)
    expect(bench.server.last('admin_inbox')).toEqual({ since: 's1', cursor: null, limit: 50 })
    bench.server.drop()
    await settle(1000)
    expect(bench.server.count('admin_inbox')).toBe(3)
  })

  it('merges the changes and moves its mark to the first page’s', async () => {
    await start()
    const pages = [
      { ...inboxAck([row('c1', { seq: 3, unread: 1 })], 's2'), cursor: 'p2', more: true },
      inboxAck([row('c2')], 's3'),
    ]
    bench.server.answers.admin_inbox = () => pages.shift()
    await settle(SYNC_EVERY_MS)
    expect(state().inbox.rows.get('c1')?.unread).toBe(1)
    expect(state().inbox.rows.has('c2')).toBe(true)
    expect(state().inbox.since).toBe('s2')
  })

  it('shows a new conversation the moment it is announced', async () => {
    await start()
    bench.server.push('conversation_update', row('c9', { unread: 1 }))
    expect(state().inbox.rows.get('c9')?.unread).toBe(1)
    expect(state().inbox.counts?.all).toBe(2)
  })

  it('asks for a tab when it is first chosen', async () => {
    await start()
    bench.session.actions.filter('closed')
    await settle()
    expect(bench.server.last('admin_inbox')).toMatchObject({ filter: 'closed' })
    bench.session.actions.filter('all')
    bench.session.actions.filter('closed')
    await settle()
    expect(bench.server.count('admin_inbox')).toBe(2)
  })

  it('takes reads and presence into the row', async () => {
    await start()
    bench.server.push('read', { conversationId: 'c1', senderType: 'visitor', seq: 2, adminId: null })
    bench.server.push('presence', { conversationId: 'c1', online: true, adminId: null })
    expect(state().inbox.rows.get('c1')).toMatchObject({ visitorReadSeq: 2, visitorOnline: true })
  })
})

describe('an open conversation', () => {
  it('joins, leaves for the next one, and is at hand when it comes back', async () => {
    bench.server.answers.admin_inbox = () => inboxAck([row('c1', { seq: 2 }), row('c2')])
    await start()
    await open('c1')
    expect(state().threads.get('c1')).toMatchObject({ state: 'ready', notes: [{ noteSeq: 1 }] })
    await open('c2')
    expect(bench.server.last('admin_leave')).toEqual({ conversationId: 'c1' })
    bench.session.actions.open('c1')
    expect(state().threads.get('c1')?.messages).toHaveLength(2)
    await settle()
    expect(bench.server.last('admin_join')).toEqual({ conversationId: 'c1', afterSeq: 2, afterId: 'm2', epoch: 'e1' })
  })

  it('takes new messages and notes, each once', async () => {
    await start()
    await open()
    bench.server.push('message_new', message(3))
    bench.server.push('message_new', message(3))
    bench.server.push('note_new', note(2, 3))
    expect(
      state()
        .threads.get('c1')
        ?.messages.map(({ seq }) => seq),
    ).toEqual([1, 2, 3])
    expect(
      state()
        .threads.get('c1')
        ?.notes.map(({ noteSeq }) => noteSeq),
    ).toEqual([1, 2])
  })

  it('asks for what a hole in seq shows to be missing', async () => {
    await start()
    await open()
    bench.server.answers.admin_sync = () => ({
      ok: true,
      messages: [message(3), message(4)],
      notes: [],
      seq: 5,
      noteSeq: 1,
      epoch: 'e1',
      more: false,
      reset: false,
    })
    bench.server.push('message_new', message(5))
    await settle(1000)
    expect(bench.server.last('admin_sync')).toMatchObject({
      conversationId: 'c1',
      afterSeq: 2,
      afterId: 'm2',
      afterNoteSeq: 1,
    })
    expect(
      state()
        .threads.get('c1')
        ?.messages.map(({ seq }) => seq),
    ).toEqual([1, 2, 3, 4, 5])
  })

  it('asks when its row says that messages or notes were missed', async () => {
    await start()
    await open()
    bench.server.answers.admin_sync = () => ({
      ok: true,
      messages: [],
      notes: [note(2, 2)],
      seq: 2,
      noteSeq: 2,
      epoch: 'e1',
      more: false,
      reset: false,
    })
    bench.server.push('conversation_update', row('c1', { seq: 2, noteSeq: 2 }))
    await settle(1000)
    expect(state().threads.get('c1')?.notes).toHaveLength(2)
  })

  it('drops what it held when the server says that it is from another time', async () => {
    await start()
    await open()
    bench.server.answers.admin_join = () => ({
      ...joinAck([message(1, { id: 'other', bodyText: 'restored' })], []),
      epoch: 'e2',
      reset: true,
    })
    bench.server.drop()
    await settle(1000)
    expect(
      state()
        .threads.get('c1')
        ?.messages.map(({ bodyText }) => bodyText),
    ).toEqual(['restored'])
    expect(state().threads.get('c1')?.notes).toEqual([])
  })

  it('loads the page before its oldest message, one at a time', async () => {
    bench.server.answers.admin_join = () => joinAck([message(51), message(52)], [])
    const older = Array.from({ length: 50 }, (_, at) => message(at + 1))
    bench.server.answers.admin_sync = () => ({
      ok: true,
      messages: older,
      notes: [],
      seq: 52,
      noteSeq: 0,
      epoch: 'e1',
      more: false,
      reset: false,
    })
    await start()
    await open()
    bench.session.actions.loadOlder('c1')
    bench.session.actions.loadOlder('c1')
    await settle()
    expect(bench.server.count('admin_sync')).toBe(1)
    expect(bench.server.last('admin_sync')).toMatchObject({ beforeSeq: 51 })
    expect(state().threads.get('c1')?.messages).toHaveLength(52)
    bench.session.actions.loadOlder('c1')
    await settle()
    expect(bench.server.count('admin_sync')).toBe(1)
  })

  it('says why it cannot be opened', async () => {
    bench.server.answers.admin_join = () => refused('CONVERSATION_NOT_FOUND')
    await start()
    await open()
    expect(state().threads.get('c1')).toMatchObject({ state: 'failed', error: 'CONVERSATION_NOT_FOUND' })
  })

  it('is open again after a reload, if it is still there', async () => {
    const { answers } = bench.server
    const reload = async () => {
      bench.session.stop()
      bench = makeBench()
      bench.server.answers = answers
      await start()
    }
    await start()
    await open()
    await reload()
    expect(state().openId).toBe('c1')
    answers.admin_inbox = () => inboxAck([row('c2', { seq: 1 })])
    await reload()
    expect(state().openId).toBeNull()
    answers.admin_inbox = () => inboxAck()
    bench.session.actions.open(null)
    await reload()
    expect(state().openId).toBeNull()
  })

  it('remembers where the unread began, and is read once seen', async () => {
    bench.server.answers.admin_inbox = () => inboxAck([row('c1', { seq: 2, unread: 1, agentReadSeq: 1 })])
    bench.server.answers.admin_join = () => ({ ...joinAck(), row: row('c1', { seq: 2, unread: 1, agentReadSeq: 1 }) })
    await start()
    await open()
    expect(state().threads.get('c1')?.unreadAfter).toBe(1)
    bench.session.actions.seen('c1')
    bench.session.actions.seen('c1')
    expect(bench.server.sent.filter(({ event }) => event === 'admin_read').map(({ payload }) => payload)).toEqual([
      { conversationId: 'c1', seq: 2 },
    ])
    expect(state().inbox.rows.get('c1')?.unread).toBe(0)
  })

  it('shows who types, until they stop, send or fall silent', async () => {
    await start()
    await open()
    const typing = {
      conversationId: 'c1',
      senderType: 'visitor',
      typing: true,
      author: null,
      adminId: null,
      draft: 'hal',
    }
    bench.server.push('typing', typing)
    expect(state().typing.get('c1')?.visitor?.draft).toBe('hal')
    bench.server.push('message_new', message(3))
    expect(state().typing.has('c1')).toBe(false)
    bench.server.push('typing', typing)
    await settle(10_000)
    expect(state().typing.has('c1')).toBe(false)
    bench.server.push('typing', { ...typing, senderType: 'admin', adminId: ME })
    expect(state().typing.has('c1')).toBe(false)
    bench.server.push('typing', { ...typing, senderType: 'admin', adminId: 'agent-2' })
    expect(state().typing.get('c1')?.agents.has('agent-2')).toBe(true)
  })

  it('tells the visitor that the agent types, now and then, and that they stopped', async () => {
    await start()
    await open()
    for (let at = 0; at < 5; at++) {
      bench.session.actions.typed('c1')
      await settle(300)
    }
    expect(bench.server.count('admin_typing')).toBe(1)
    await settle(5000)
    expect(bench.server.last('admin_typing')).toEqual({ conversationId: 'c1', typing: false })
  })
})

describe('writing', () => {
  const messageAck = (seq: number) => ({
    ok: true,
    id: `m${seq}`,
    conversationId: 'c1',
    seq,
    createdAt: new Date().toISOString(),
    duplicate: false,
  })

  async function write(text: string, mode: 'reply' | 'note' = 'reply', quickReplies: string[] = []) {
    bench.session.actions.draft('c1', { text, mode, quickReplies })
    bench.session.actions.send('c1')
    await settle()
  }

  it('shows a message from the moment it is sent, under one key, through its confirmation and its echo', async () => {
    await start()
    await open()
    await write('hello', 'reply', ['Yes', 'No'])
    const [sending] = state().outgoing.get('c1') ?? []
    expect(sending).toMatchObject({ state: 'sending', text: 'hello' })
    const sent = bench.server.last('admin_message')
    expect(sent).toEqual({
      conversationId: 'c1',
      bodyText: 'hello',
      quickReplies: ['Yes', 'No'],
      clientId: sending?.clientId,
    })
    bench.server.push(
      'message_new',
      message(3, { senderType: 'admin', adminId: ME, clientId: sending?.clientId ?? '' }),
    )
    expect(state().outgoing.get('c1') ?? []).toEqual([])
    expect(state().threads.get('c1')?.messages.at(-1)?.clientId).toBe(sending?.clientId)
    expect(state().drafts.has('c1')).toBe(false)
  })

  it('puts the confirmed message into its place before its bubble goes', async () => {
    bench.server.answers.admin_message = () => messageAck(3)
    await start()
    await open()
    await write('hello')
    await settle()
    expect(state().threads.get('c1')?.messages.at(-1)).toMatchObject({ seq: 3, bodyText: 'hello', adminId: ME })
    expect(state().outgoing.get('c1') ?? []).toEqual([])
  })

  it('writes notes as notes', async () => {
    bench.server.answers.admin_note = () => ({
      ok: true,
      id: 'n2',
      conversationId: 'c1',
      noteSeq: 2,
      createdAt: new Date().toISOString(),
      duplicate: false,
    })
    await start()
    await open()
    await write('only us', 'note')
    await settle()
    expect(bench.server.count('admin_message')).toBe(0)
    expect(state().threads.get('c1')?.notes.at(-1)).toMatchObject({ noteSeq: 2, afterSeq: 2, bodyText: 'only us' })
  })

  it('keeps a message while the server is away and sends it when it is back', async () => {
    await start()
    await open()
    bench.server.isUp = false
    bench.server.drop()
    await write('later')
    expect(state().outgoing.get('c1')?.[0]?.state).toBe('queued')
    bench.server.isUp = true
    bench.server.answers.admin_message = () => messageAck(3)
    await settle(31_000)
    expect(state().outgoing.get('c1') ?? []).toEqual([])
    expect(bench.server.last('admin_message')).toMatchObject({ bodyText: 'later' })
  })

  it('says why a message was refused, keeps its text, and sends it again under the same id', async () => {
    bench.server.answers.admin_message = () => refused('CONVERSATION_CLOSED')
    await start()
    await open()
    await write('too late')
    await settle()
    const [failed] = state().outgoing.get('c1') ?? []
    expect(failed).toMatchObject({ state: 'failed', error: 'CONVERSATION_CLOSED', text: 'too late' })
    bench.server.answers.admin_message = () => messageAck(3)
    bench.session.actions.retry(failed?.clientId ?? '')
    await settle()
    expect(bench.server.last('admin_message')?.clientId).toBe(failed?.clientId)
    expect(state().outgoing.get('c1') ?? []).toEqual([])
  })

  it('gives a failed message back to the composer, before what stands there', async () => {
    bench.server.answers.admin_message = () => refused('TOO_LARGE')
    await start()
    await open()
    await write('first')
    await settle()
    bench.session.actions.draft('c1', { text: 'second' })
    bench.session.actions.edit(state().outgoing.get('c1')?.[0]?.clientId ?? '')
    expect(state().drafts.get('c1')?.text).toBe('first\nsecond')
    expect(state().outgoing.get('c1') ?? []).toEqual([])
  })

  it('survives a reload: drafts and unsent messages come back', async () => {
    await start()
    await open()
    bench.server.isUp = false
    bench.server.drop()
    await write('unsent')
    bench.session.actions.draft('c1', { text: 'half a' })
    bench.session.stop()
    bench = makeBench()
    bench.server.answers = { admin_inbox: () => inboxAck(), admin_join: () => joinAck() }
    await start()
    expect(state().drafts.get('c1')?.text).toBe('half a')
    await settle()
    expect(bench.server.last('admin_message')).toMatchObject({ bodyText: 'unsent' })
  })

  it('is not for viewers', async () => {
    bench.server.role = 'viewer'
    await start()
    await open()
    await write('hello')
    bench.session.actions.assign('c1', true)
    bench.session.actions.close('c1')
    bench.session.actions.seen('c1')
    bench.session.actions.typed('c1')
    await settle()
    for (const event of ['admin_message', 'admin_assign', 'admin_close', 'admin_read', 'admin_typing']) {
      expect(bench.server.count(event), event).toBe(0)
    }
  })
})

describe('deeds', () => {
  it('an assignment shows at once and stays when it is done', async () => {
    await start()
    bench.session.actions.assign('c1', true)
    expect(viewRow(state().inbox, 'c1')).toMatchObject({ assignedTo: ME, assigneeName: 'Lin' })
    await settle()
    expect(bench.server.last('admin_assign')).toEqual({ conversationId: 'c1' })
    expect(state().inbox.overlays.size).toBe(0)
    expect(state().inbox.rows.get('c1')?.assignedTo).toBe(ME)
    expect(state().inbox.counts).toMatchObject({ mine: 1, unassigned: 0, all: 1 })
    bench.server.push('conversation_update', row('c1', { seq: 2, assignedTo: ME }))
    expect(state().inbox.counts).toMatchObject({ mine: 1, unassigned: 0, all: 1 })
    bench.session.actions.assign('c1', false)
    await settle()
    expect(bench.server.last('admin_assign')).toEqual({ conversationId: 'c1', adminId: '' })
  })

  it('a refused one is taken back, with a word', async () => {
    bench.server.answers.admin_assign = () => refused('FORBIDDEN')
    await start()
    bench.session.actions.assign('c1', true)
    await settle()
    expect(viewRow(state().inbox, 'c1')?.assignedTo).toBeNull()
    expect(state().toasts).toMatchObject([{ tone: 'problem', text: 'error.FORBIDDEN', undo: null }])
  })

  it('a closing can be undone', async () => {
    await start()
    bench.session.actions.close('c1')
    expect(viewRow(state().inbox, 'c1')?.status).toBe('closed')
    await settle()
    state().toasts[0]?.undo?.()
    await settle()
    expect(bench.server.last('admin_reopen')).toEqual({ conversationId: 'c1' })
    expect(viewRow(state().inbox, 'c1')?.status).toBe('open')
    expect(state().toasts).toEqual([])
  })

  it('a toast goes by itself', async () => {
    await start()
    bench.session.actions.close('c1')
    await settle(TOAST_SHOWN_MS + 100)
    expect(state().toasts).toEqual([])
  })

  it('close and next opens the neighbour in the list', async () => {
    bench.server.answers.admin_inbox = () =>
      inboxAck([row('c1', { seq: 2, lastMessageAt: '2026-11-22T08:05:00.000Z' }), row('c2')])
    await start()
    await open('c1')
    bench.session.actions.closeAndNext('c1')
    expect(state().openId).toBe('c2')
    bench.session.actions.move(-1)
    expect(state().openId).toBe('c2')
  })
})

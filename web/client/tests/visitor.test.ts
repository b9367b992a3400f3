import type { Message } from '@kefu/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keyValueStore, Visitor, type VisitorCredentials } from '../src/index.ts'
import { FakeServer } from './fake-server.ts'

let server: FakeServer
let stored: VisitorCredentials | null
let saved: Record<string, string>
let elected: boolean

function visitor(): Visitor {
  return new Visitor({
    base: 'https://chat.example',
    memory: {
      load: () => stored,
      save: (credentials) => {
        stored = credentials
      },
    },
    store: keyValueStore('visitor', saved),
    isElected: () => elected,
    about: () => ({ entryUrl: 'https://shop.example/' }),
    open: server.open,
  })
}
/** Lets promises and short timers run. */
const settle = (ms = 1) => vi.advanceTimersByTimeAsync(ms)
async function online(): Promise<Visitor> {
  const one = visitor()
  one.start()
  server.socket.accept()
  await settle()
  return one
}
async function reconnect(): Promise<void> {
  await settle(60_000)
  server.socket.accept()
  await settle()
}
const bodies = (one: Visitor) => one.timeline.messages.map(({ bodyText }) => bodyText)

beforeEach(() => {
  vi.useFakeTimers()
  server = new FakeServer()
  stored = null
  saved = {}
  elected = true
})
afterEach(() => void vi.useRealTimers())

describe('hello', () => {
  test('is deferred, makes credentials at the first connect and keeps the token', async () => {
    await online()
    const [hello] = server.socket.payloads('visitor_hello')
    expect(hello).toMatchObject({ defer: true, visitorToken: null, entryUrl: 'https://shop.example/' })
    expect(hello?.sessionId).toMatch(/^v_[0-9a-f-]{36}$/)
    expect(stored).toEqual({ sessionId: hello?.sessionId, visitorToken: 'token-1' })
  })

  test('stores nothing before connecting', () => {
    visitor()
    expect([stored, Object.keys(saved).length, server.socket.connects]).toEqual([null, 0, 0])
  })

  test('brings the history without announcing it', async () => {
    server.store('hello', 'visitor')
    server.store('hi there', 'admin')
    const one = visitor()
    const received: Message[] = []
    one.on('received', (message) => received.push(message))
    one.start()
    server.socket.accept()
    await settle()
    expect(bodies(one)).toEqual(['hello', 'hi there'])
    expect(received).toEqual([])
    expect(one.unread).toBe(1)
    expect(one.agent?.name).toBe('Lin')
  })

  test('asks again when nobody answers', async () => {
    server.intercept = () => null
    await online()
    server.intercept = () => undefined
    await settle(20_000)
    expect(server.socket.payloads('visitor_hello').length).toBeGreaterThan(1)
  })

  test('takes the credentials that another tab was given meanwhile', async () => {
    const one = await online()
    stored = { sessionId: String(stored?.sessionId), visitorToken: 'token-of-the-other-tab' }
    await one.send('as the same person')
    await settle()
    expect(server.socket.payloads('visitor_hello').map(({ visitorToken }) => visitorToken)).toEqual([
      null,
      'token-of-the-other-tab',
    ])
    expect(bodies(one)).toEqual(['as the same person'])
  })

  test('does not write over credentials that another tab was given while it asked', async () => {
    let isFirst = true
    server.intercept = (event) => {
      if (event !== 'visitor_hello' || !isFirst) return undefined
      isFirst = false
      stored = { sessionId: String(stored?.sessionId), visitorToken: 'faster' }
      return undefined
    }
    const one = await online()
    expect([one.isReady, stored?.visitorToken]).toEqual([true, 'faster'])
  })

  test('finds the conversation that another tab began', async () => {
    const one = await online()
    server.store('from the other tab', 'visitor', null, false)
    await one.follow()
    expect(bodies(one)).toEqual(['from the other tab'])
  })

  test('starts anew when its credentials open nothing any more', async () => {
    stored = { sessionId: 'v_old-session-000000', visitorToken: 'wrong' }
    server.intercept = (event, { visitorToken }) =>
      event === 'visitor_hello' && visitorToken === 'wrong'
        ? { ok: false, error: 'UNAUTHORIZED', message: 'unknown token' }
        : undefined
    const one = await online()
    await settle(5_000)
    expect(one.isReady).toBe(true)
    expect(stored.sessionId).not.toBe('v_old-session-000000')
  })
})

describe('sending', () => {
  test('the first message makes the conversation', async () => {
    const one = await online()
    await one.send('first')
    await settle()
    expect(server.socket.payloads('visitor_message')[0]).not.toHaveProperty('conversationId')
    expect(bodies(one)).toEqual(['first'])
    expect(one.outbox.items).toEqual([])
    expect(one.timeline.epoch).toBe('epoch-1')
    await settle(1000)
    expect(server.socket.payloads('visitor_sync')).toEqual([])
  })

  test('what was written offline goes when the server is there', async () => {
    const one = visitor()
    one.start()
    await one.send('a')
    await one.send('b')
    server.socket.accept()
    await settle()
    expect(server.conversation?.messages.map(({ bodyText }) => bodyText)).toEqual(['a', 'b'])
  })

  test('a message in flight when the connection breaks is stored once', async () => {
    const one = await online()
    let cut = true
    server.intercept = (event, payload) => {
      if (event !== 'visitor_message' || !cut) return undefined
      cut = false
      server.store(String(payload.bodyText), 'visitor', String(payload.clientId), false)
      queueMicrotask(() => server.socket.drop())
      return null
    }
    await one.send('only once')
    await settle()
    expect(one.outbox.items).toHaveLength(1)
    await reconnect()
    await settle(5_000)
    expect(server.conversation?.messages).toHaveLength(1)
    expect(bodies(one)).toEqual(['only once'])
    expect(one.outbox.items).toEqual([])
  })

  test('a message lost before the server had it goes again', async () => {
    const one = await online()
    let cut = true
    server.intercept = (event) => {
      if (event !== 'visitor_message' || !cut) return undefined
      cut = false
      queueMicrotask(() => server.socket.drop())
      return null
    }
    await one.send('again')
    await settle()
    await reconnect()
    await settle(5_000)
    expect(bodies(one)).toEqual(['again'])
  })

  test('a lost ack is replaced by the message itself', async () => {
    const one = await online()
    server.begin()
    server.tell('conversation_open', { conversationId: 'c1', status: 'open', seq: 0, epoch: 'epoch-1' })
    server.intercept = (event, payload) => {
      if (event !== 'visitor_message') return undefined
      server.store(String(payload.bodyText), 'visitor', String(payload.clientId))
      return null
    }
    await one.send('no ack')
    await settle()
    expect([bodies(one), one.outbox.items]).toEqual([['no ack'], []])
  })

  test('a closed conversation gives way to the new one, same clientId', async () => {
    server.store('old', 'visitor')
    const one = await online()
    server.intercept = (event) => {
      if (event !== 'visitor_message') return undefined
      server.intercept = () => undefined
      const { id } = server.begin()
      server.tell('conversation_open', { conversationId: id, status: 'open', seq: 0, epoch: 'epoch-1' })
      return { ok: false, error: 'CONVERSATION_CLOSED', message: 'closed' }
    }
    await one.send('still there?')
    await settle(1000)
    const [first, second] = server.socket.payloads('visitor_message')
    expect([first?.conversationId, second?.conversationId]).toEqual(['c1', 'c2'])
    expect(second?.clientId).toBe(first?.clientId)
    expect(bodies(one)).toEqual(['still there?'])
  })

  test('a tab that is not elected keeps its messages for the one that is', async () => {
    elected = false
    const one = await online()
    await one.send('wait')
    await settle(30_000)
    expect(server.socket.payloads('visitor_message')).toEqual([])
    elected = true
    one.outbox.pump()
    await settle()
    expect(bodies(one)).toEqual(['wait'])
  })

  test('a silent server is asked for something else, and the message fails if that is answered', async () => {
    const one = await online()
    server.begin()
    server.tell('conversation_open', { conversationId: 'c1', status: 'open', seq: 0, epoch: 'epoch-1' })
    server.intercept = (event) => (event === 'visitor_message' ? null : undefined)
    await one.send('swallowed')
    await settle(60_000)
    expect(one.outbox.items).toMatchObject([{ status: 'failed', failure: 'UNANSWERED' }])
  })
})

describe('receiving', () => {
  test('a live message is announced once, even if it comes twice', async () => {
    server.store('hello', 'visitor')
    const one = await online()
    const received: string[] = []
    one.on('received', ({ bodyText }) => received.push(bodyText))
    const message = server.store('hi', 'admin')
    server.tell('message_new', message)
    await settle()
    expect([received, bodies(one)]).toEqual([['hi'], ['hello', 'hi']])
  })

  test('a hole is filled and its messages are announced', async () => {
    server.store('one', 'visitor')
    const one = await online()
    const received: string[] = []
    one.on('received', ({ bodyText }) => received.push(bodyText))
    server.store('lost', 'admin', null, false)
    server.store('heard', 'admin')
    await settle()
    expect(bodies(one)).toEqual(['one', 'lost', 'heard'])
    expect(received.sort()).toEqual(['heard', 'lost'])
    expect(server.socket.payloads('visitor_sync')).toMatchObject([{ afterSeq: 1, afterId: 'c1-1' }])
  })

  test('an announced message that never comes is fetched', async () => {
    server.store('one', 'visitor')
    const one = await online()
    server.store('quiet', 'admin', null, false)
    const update = { conversationId: 'c1', status: 'open', assignedTo: null, agent: null, seq: 2 }
    server.tell('conversation_update', update)
    await settle(1000)
    expect(bodies(one)).toEqual(['one', 'quiet'])
  })

  test('a reconnect resumes from the place and fetches only the rest', async () => {
    server.store('one', 'visitor')
    const one = await online()
    server.socket.drop()
    server.store('while away', 'admin', null, false)
    const received: string[] = []
    one.on('received', ({ bodyText }) => received.push(bodyText))
    await reconnect()
    expect(server.socket.payloads('visitor_hello')[1]).toMatchObject({ afterSeq: 1, afterId: 'c1-1', epoch: 'epoch-1' })
    expect([bodies(one), received]).toEqual([['one', 'while away'], ['while away']])
  })

  test('another epoch replaces everything', async () => {
    server.store('one', 'visitor')
    const one = await online()
    server.socket.drop()
    server.epoch = 'epoch-2'
    server.begin()
    server.store('restored', 'admin', null, false)
    await reconnect()
    expect([bodies(one), one.timeline.epoch]).toEqual([['restored'], 'epoch-2'])
  })

  test('older pages come before, without a repeat', async () => {
    for (let count = 0; count < 120; count++) server.store(`m${count}`, 'visitor')
    const one = await online()
    expect(one.timeline.messages).toHaveLength(50)
    expect(await one.loadOlder()).toBe(50)
    expect(await one.loadOlder()).toBe(20)
    expect(await one.loadOlder()).toBe(0)
    expect(bodies(one)).toEqual(Array.from({ length: 120 }, (_, index) => `m${index}`))
  })
})

describe('reading and typing', () => {
  test('reads once, up to what is held', async () => {
    server.store('hi', 'admin')
    const one = await online()
    one.read()
    one.read()
    expect(server.socket.payloads('visitor_read')).toEqual([{ conversationId: 'c1', seq: 1 }])
    expect(one.unread).toBe(0)
  })

  test('tells that it types at most every three seconds, and that it stopped', async () => {
    server.store('hi', 'admin')
    const one = await online()
    for (let key = 0; key < 10; key++) one.showTyping(true)
    await settle(3000)
    one.showTyping(true)
    one.showTyping(false)
    one.showTyping(false)
    expect(server.socket.payloads('visitor_typing').map(({ typing }) => typing)).toEqual([true, true, false])
  })

  test('an agent who falls silent stops typing', async () => {
    server.store('hi', 'admin')
    const one = await online()
    server.tell('typing', { conversationId: 'c1', senderType: 'admin', typing: true, author: { name: 'Lin' } })
    expect(one.typing?.name).toBe('Lin')
    await settle(6000)
    expect(one.typing).toBeNull()
  })
})

test('after stop nothing is heard, sent or tried', async () => {
  const one = await online()
  one.stop()
  server.store('late', 'admin')
  await settle(120_000)
  expect(server.socket.connects).toBe(1)
  expect(bodies(one)).toEqual([])
})

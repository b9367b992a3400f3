import type { VisitorSide } from '@kefu/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Link, type LinkOptions, Refused, Unanswered } from '../src/index.ts'
import { CONNECT_WAIT_MS_MAX, STABLE_AFTER_MS } from '../src/link.ts'
import { FakeSocket } from './fake-socket.ts'

let socket: FakeSocket
let origin: string
function link(over: Partial<LinkOptions> = {}): Link<VisitorSide> {
  const open = (from: string, options: object) => {
    origin = from
    socket = new FakeSocket(options)
    return socket
  }
  return new Link<VisitorSide>({ base: 'https://chat.example', path: '/ws-visitor', open, random: () => 0.5, ...over })
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('Link connects', () => {
  test('to the origin and path of the base URL, prefix included', () => {
    link({ base: 'https://shop.example/support/' })
    expect(origin).toBe('https://shop.example')
    expect(socket.options).toMatchObject({ path: '/support/ws-visitor', timeout: CONNECT_WAIT_MS_MAX })
  })

  test('only when asked', () => {
    const one = link()
    expect([one.state, socket.connects]).toEqual(['idle', 0])
    one.connect()
    one.connect()
    expect([one.state, socket.connects]).toEqual(['connecting', 1])
    socket.accept()
    expect(one.state).toBe('online')
  })

  test('with an answer of auth that is asked for at each connect', async () => {
    let token = 'first'
    link({ auth: async () => ({ token }) }).connect()
    const given: object[] = []
    const auth = socket.options.auth as (give: (payload: object) => void) => Promise<void>
    await auth((payload) => given.push(payload))
    token = 'second'
    await auth((payload) => given.push(payload))
    expect(given).toEqual([{ token: 'first' }, { token: 'second' }])
  })

  test('again later when auth itself fails', async () => {
    const one = link({ auth: () => Promise.reject(new Error('main site away')) })
    one.connect()
    await (socket.options.auth as (give: () => void) => Promise<void>)(() => expect.unreachable())
    expect(one.state).toBe('waiting')
    vi.advanceTimersByTime(500)
    expect(socket.connects).toBe(2)
  })
})

describe('Link comes back', () => {
  test('with full jitter that doubles, and from the start after a stable connection', () => {
    const one = link()
    one.connect()
    for (const [failures, waitMs] of [
      [1, 500],
      [2, 1000],
      [3, 2000],
    ] as const) {
      socket.fail('xhr poll error')
      expect(one.state).toBe('waiting')
      vi.advanceTimersByTime(waitMs - 1)
      expect(socket.connects).toBe(failures)
      vi.advanceTimersByTime(1)
      expect(socket.connects).toBe(failures + 1)
    }
    socket.accept()
    vi.advanceTimersByTime(STABLE_AFTER_MS)
    socket.drop()
    vi.advanceTimersByTime(500)
    expect(socket.connects).toBe(5)
  })

  test('ever later from a server that drops each connection at once', () => {
    link().connect()
    for (const waitMs of [500, 1000, 2000]) {
      const before = socket.connects
      socket.accept()
      socket.drop()
      vi.advanceTimersByTime(waitMs - 1)
      expect(socket.connects).toBe(before)
      vi.advanceTimersByTime(1)
    }
    expect(socket.connects).toBe(4)
  })

  test('when the server said, and not before', () => {
    const one = link()
    one.connect()
    socket.accept()
    socket.hear('server_restart', { reconnectInMs: 7000 })
    socket.drop()
    one.wake()
    vi.advanceTimersByTime(6999)
    expect(socket.connects).toBe(1)
    vi.advanceTimersByTime(1)
    expect(socket.connects).toBe(2)
  })

  test('at once when woken', () => {
    const one = link()
    one.connect()
    socket.fail('websocket error')
    one.wake()
    expect(socket.connects).toBe(2)
    vi.advanceTimersByTime(60_000)
    expect(socket.connects).toBe(2)
  })

  test('by polling first after a connect that nobody answered', () => {
    link().connect()
    socket.fail('timeout')
    expect(socket.io.opts.transports).toEqual(['polling', 'websocket'])
    socket.fail('xhr poll error')
    expect(socket.io.opts.transports).toEqual(['polling', 'websocket'])
  })

  test('never after close', () => {
    const one = link()
    one.connect()
    socket.accept()
    one.close()
    vi.advanceTimersByTime(120_000)
    expect([one.state, socket.connects]).toEqual(['idle', 1])
  })

  test('not after a refusal, until asked', () => {
    const refusals: string[] = []
    const one = link({ onRefused: (error) => refusals.push(error.message) })
    one.connect()
    socket.fail('UNAUTHORIZED', false)
    vi.advanceTimersByTime(120_000)
    expect([one.state, refusals, socket.connects]).toEqual(['refused', ['UNAUTHORIZED'], 1])
    one.connect()
    expect(socket.connects).toBe(2)
  })
})

describe('Link requests', () => {
  const online = () => {
    const one = link()
    one.connect()
    socket.accept()
    return one
  }

  test('resolve to the ack', async () => {
    const asked = online().request('visitor_read', { seq: 1 })
    socket.last('visitor_read').answer?.({ ok: true })
    expect(await asked).toEqual({ ok: true })
  })

  test('reject with the refusal', async () => {
    const asked = online().request('visitor_message', { bodyText: 'hi' })
    socket.last('visitor_message').answer?.({ ok: false, error: 'COOLDOWN', message: 'wait', retryAfterMs: 900 })
    const error = await asked.catch((one: unknown) => one)
    expect(error).toBeInstanceOf(Refused)
    expect(error).toMatchObject({ code: 'COOLDOWN', retryAfterMs: 900, message: 'wait' })
  })

  test('reject when the connection breaks before the answer', async () => {
    const asked = online().request('visitor_read', { seq: 1 })
    socket.drop()
    await expect(asked).rejects.toMatchObject({ sent: true })
  })

  test('reject without a connection, and nothing is buffered', async () => {
    const one = link()
    await expect(one.request('visitor_read', { seq: 1 })).rejects.toBeInstanceOf(Unanswered)
    await expect(one.request('visitor_read', { seq: 1 })).rejects.toMatchObject({ sent: false })
    expect(one.tell('visitor_typing', {})).toBe(false)
    expect(socket.sent).toEqual([])
  })

  test('reject when no answer comes in time', async () => {
    const asked = online().request('visitor_read', { seq: 1 }, 100)
    const rejected = expect(asked).rejects.toMatchObject({ sent: true })
    await vi.advanceTimersByTimeAsync(100)
    await rejected
  })
})

test('listeners detach', () => {
  const one = link()
  const heard: unknown[] = []
  const detach = one.on('typing', (told) => heard.push(told.typing))
  socket.hear('typing', { typing: true })
  detach()
  socket.hear('typing', { typing: false })
  expect(heard).toEqual([true])
})

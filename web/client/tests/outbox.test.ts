import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keyValueStore, Outbox, type OutboxItem, type OutboxOptions, Refused, Unanswered } from '../src/index.ts'

type Body = { text: string }
type Item = OutboxItem<Body>
const refused = (error: string, retryAfterMs?: number) =>
  new Refused({ error: error as never, message: error, ...(retryAfterMs !== undefined && { retryAfterMs }) })

let saved: Record<string, string>
let online: boolean
let calls: Item[]
let answers: ((item: Item) => Promise<string>)[]

/** An outbox whose tries are answered by `answers` in turn, then by success. */
function outbox(over: Partial<OutboxOptions<Body, string>> = {}): Outbox<Body, string> {
  return new Outbox<Body, string>({
    store: keyValueStore('test', saved),
    canSend: () => online,
    deliver: (item) => {
      calls.push(item)
      return (answers.shift() ?? (async () => 'ack'))(item)
    },
    ...over,
  })
}
const texts = () => calls.map(({ payload }) => payload.text)
const flush = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  saved = {}
  online = true
  calls = []
  answers = []
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('Outbox sends', () => {
  test('in order, one after the other', async () => {
    let release = (_: string) => {}
    answers.push(() => new Promise((resolve) => (release = resolve)))
    const box = outbox()
    await Promise.all(['a', 'b', 'c'].map((text) => box.add({ text })))
    await flush()
    expect(texts()).toEqual(['a'])
    expect(box.items.map(({ status }) => status)).toEqual(['sending', 'queued', 'queued'])
    release('ack')
    await flush()
    expect(texts()).toEqual(['a', 'b', 'c'])
    expect(box.items).toEqual([])
    expect(Object.keys(saved).length).toBe(0)
  })

  test('lanes independently', async () => {
    answers.push(() => new Promise(() => {}))
    const box = outbox()
    await box.add({ text: 'stuck' }, 'one')
    await box.add({ text: 'waits' }, 'one')
    await box.add({ text: 'goes' }, 'two')
    await flush()
    expect(texts()).toEqual(['stuck', 'goes'])
  })

  test('what was stored before a reload, under the same clientId', async () => {
    online = false
    const before = outbox()
    const { clientId } = await before.add({ text: 'kept' })
    await before.add({ text: 'second' })
    online = true
    const after = outbox()
    await after.load()
    await flush()
    expect(texts()).toEqual(['kept', 'second'])
    expect(calls[0]?.clientId).toBe(clientId)
    expect(clientId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('the text is stored before add resolves', async () => {
    online = false
    await outbox().add({ text: 'safe' })
    expect(Object.values(saved).join()).toContain('safe')
  })

  test('goes on in memory when the store fails', async () => {
    const broken = { all: () => Promise.reject(), put: () => Promise.reject(), remove: () => Promise.reject() }
    const box = outbox({ store: broken })
    await box.add({ text: 'a' })
    await flush()
    expect(texts()).toEqual(['a'])
  })

  test('what another tab stored and handed over', async () => {
    online = false
    const other = outbox()
    const sender = outbox()
    await other.add({ text: 'from the other tab' })
    online = true
    await sender.load()
    await flush()
    await other.load()
    expect(texts()).toEqual(['from the other tab'])
    expect(other.items).toEqual([])
  })
})

describe('Outbox tries again', () => {
  test.each(['UNAVAILABLE', 'RATE_LIMITED', 'COOLDOWN'])('after %s, when the server allows it', async (code) => {
    answers.push(() => Promise.reject(refused(code, 4000)))
    const box = outbox()
    const { clientId } = await box.add({ text: 'a' })
    await vi.advanceTimersByTimeAsync(3999)
    expect(calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(calls.map((item) => item.clientId)).toEqual([clientId, clientId])
    expect(box.items).toEqual([])
  })

  test('not before the pause ends, whatever else happens', async () => {
    answers.push(() => Promise.reject(refused('RATE_LIMITED', 4000)))
    const box = outbox()
    await box.add({ text: 'a' })
    await flush()
    box.pump()
    await box.add({ text: 'b' })
    await vi.advanceTimersByTimeAsync(3000)
    expect(texts()).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(texts()).toEqual(['a', 'a', 'b'])
  })

  test('after the connection broke in the middle of a send', async () => {
    answers.push(() => {
      online = false
      return Promise.reject(new Unanswered('gone', true))
    })
    const box = outbox()
    await box.add({ text: 'a' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(calls).toHaveLength(1)
    online = true
    box.pump()
    await flush()
    expect(calls[1]?.clientId).toBe(calls[0]?.clientId)
  })

  test('without a busy loop when the connection goes between asking and sending', async () => {
    answers.push(...Array.from({ length: 50 }, () => () => Promise.reject(new Unanswered('not connected', false))))
    await outbox().add({ text: 'a' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(calls.length).toBeLessThanOrEqual(11)
  })
})

describe('Outbox gives up', () => {
  test('on a message that is refused as invalid, keeps its text, and sends the next', async () => {
    answers.push(() => Promise.reject(refused('INVALID_INPUT')))
    const failed: Item[] = []
    const box = outbox()
    box.on('failed', (item) => failed.push(item))
    await box.add({ text: 'bad' })
    await box.add({ text: 'good' })
    await flush()
    expect(texts()).toEqual(['bad', 'good'])
    expect(box.items).toMatchObject([{ payload: { text: 'bad' }, status: 'failed', failure: 'INVALID_INPUT' }])
    expect(failed).toHaveLength(1)
    const reloaded = outbox()
    await reloaded.load()
    await flush()
    expect(reloaded.items[0]?.status).toBe('failed')
    expect(calls).toHaveLength(2)
  })

  test('on a message unanswered three times while the server answers other things', async () => {
    const silent = () => Promise.reject(new Unanswered('timeout', true))
    answers.push(silent, silent, silent)
    const box = outbox({ onUnanswered: () => box.witness() })
    await box.add({ text: 'poison' })
    await box.add({ text: 'next' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(texts()).toEqual(['poison', 'poison', 'poison', 'next'])
    expect(box.items).toMatchObject([{ status: 'failed', failure: 'UNANSWERED' }])
  })

  test('never while the server answers nothing at all', async () => {
    const silent = () => Promise.reject(new Unanswered('timeout', true))
    answers.push(...Array.from({ length: 6 }, () => silent))
    const box = outbox()
    await box.add({ text: 'patient' })
    await vi.advanceTimersByTimeAsync(300_000)
    expect(calls).toHaveLength(7)
    expect(box.items).toEqual([])
  })

  test('and sends again when asked to, under the same clientId', async () => {
    answers.push(() => Promise.reject(refused('FORBIDDEN')))
    const box = outbox()
    const { clientId } = await box.add({ text: 'a' })
    await flush()
    await box.retry(clientId)
    await flush()
    expect(calls.map((item) => item.clientId)).toEqual([clientId, clientId])
    expect(box.items).toEqual([])
  })

  test('and hands the text back when discarded', async () => {
    answers.push(() => Promise.reject(refused('FORBIDDEN')))
    const box = outbox()
    const { clientId } = await box.add({ text: 'a' })
    await flush()
    expect(box.discard(clientId)?.payload.text).toBe('a')
    await flush()
    expect([box.items, Object.keys(saved).length]).toEqual([[], 0])
  })
})

test('a message that came back without its ack is settled, once', async () => {
  let release = (_: Error) => {}
  answers.push(() => new Promise((_, reject) => (release = reject)))
  const box = outbox()
  const { clientId } = await box.add({ text: 'a' })
  await flush()
  box.settle(clientId)
  release(new Unanswered('gone', true))
  await vi.advanceTimersByTimeAsync(60_000)
  expect([box.items, Object.keys(saved).length, calls.length]).toEqual([[], 0, 1])
})

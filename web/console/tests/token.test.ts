import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RENEW_BEFORE_MS, RETRY_DELAY_MS_MAX, TokenKeeper, type TokenTrouble } from '../src/session/token.ts'

const LIFE_MS = 900_000

function makeKeeper(answers: (() => Response | Promise<Response>)[]) {
  const tokens: string[] = []
  const troubles: (TokenTrouble | null)[] = []
  const asked: RequestInit[] = []
  const keeper = new TokenKeeper({
    url: '/token',
    fetch: (async (_url: string, init: RequestInit) => {
      asked.push(init)
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      if (!answer) throw new TypeError('no network')
      return answer()
    }) as typeof fetch,
    now: Date.now,
    onToken: (token) => tokens.push(token),
    onTrouble: (trouble) => troubles.push(trouble),
  })
  return { keeper, tokens, troubles, asked }
}

const good = (token: string) => () => Response.json({ token })
const status = (code: number) => () => Response.json({ error: 'NO' }, { status: code })
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 22, 8) })
})
afterEach(() => {
  vi.useRealTimers()
})

it('asks with the page’s cookie and takes nothing from a cache', async () => {
  const { keeper, asked } = makeKeeper([good('a')])
  expect(await keeper.fetchToken()).toBe('a')
  expect(asked[0]).toMatchObject({ credentials: 'same-origin', cache: 'no-store' })
})

it('questions at the same time are one', async () => {
  const { keeper, asked } = makeKeeper([good('a')])
  await Promise.all([keeper.fetchToken(), keeper.fetchToken()])
  expect(asked).toHaveLength(1)
})

it('renews before the end, not sooner', async () => {
  const { keeper, tokens } = makeKeeper([good('next')])
  keeper.accepted(inMs(LIFE_MS))
  await vi.advanceTimersByTimeAsync(LIFE_MS - RENEW_BEFORE_MS - 1000)
  expect(tokens).toEqual([])
  await vi.advanceTimersByTimeAsync(1001)
  expect(tokens).toEqual(['next'])
  keeper.stop()
})

it('renews a short life at half of it', async () => {
  const { keeper, tokens } = makeKeeper([good('next')])
  keeper.accepted(inMs(60_000))
  await vi.advanceTimersByTimeAsync(29_000)
  expect(tokens).toEqual([])
  await vi.advanceTimersByTimeAsync(1001)
  expect(tokens).toEqual(['next'])
  keeper.stop()
})

it('renews at once after a sleep through the time', async () => {
  const { keeper, tokens } = makeKeeper([good('next')])
  keeper.accepted(inMs(LIFE_MS))
  vi.setSystemTime(Date.now() + 3 * LIFE_MS) // the clock went on, the timers slept
  keeper.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(tokens).toEqual(['next'])
  keeper.stop()
})

it('a wake in the middle of a life asks nothing', async () => {
  const { keeper, asked } = makeKeeper([good('next')])
  keeper.accepted(inMs(LIFE_MS))
  keeper.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(asked).toHaveLength(0)
  keeper.stop()
})

it('says that a login is needed, and recovers by itself after it', async () => {
  const { keeper, tokens, troubles } = makeKeeper([status(401), status(401), good('back')])
  await keeper.renew()
  expect(troubles).toEqual(['login'])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(tokens).toEqual(['back'])
  expect(troubles.at(-1)).toBeNull()
  keeper.stop()
})

it('waits longer after each failure, up to a limit', async () => {
  const { keeper, asked, troubles } = makeKeeper([])
  await keeper.renew()
  await vi.advanceTimersByTimeAsync(10 * RETRY_DELAY_MS_MAX)
  expect(troubles.every((trouble) => trouble === 'unreachable')).toBe(true)
  expect(asked.length).toBeGreaterThan(9)
  expect(asked.length).toBeLessThan(17)
  keeper.stop()
})

it('tells what is wrong from what is away', async () => {
  for (const [answer, trouble] of [
    [status(503), 'misconfigured'],
    [status(404), 'misconfigured'],
    [status(500), 'unreachable'],
    [() => Response.json({}), 'misconfigured'],
    [() => new Response('<html>'), 'unreachable'],
  ] as const) {
    const { keeper, troubles } = makeKeeper([answer])
    expect(await keeper.fetchToken()).toBeNull()
    expect(troubles).toEqual([trouble])
    keeper.stop()
  }
})

it('once stopped it asks nothing more', async () => {
  const { keeper, asked } = makeKeeper([good('a')])
  keeper.accepted(inMs(LIFE_MS))
  keeper.stop()
  await vi.advanceTimersByTimeAsync(2 * LIFE_MS)
  expect(asked).toHaveLength(0)
})

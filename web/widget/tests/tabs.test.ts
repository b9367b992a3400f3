import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { joinTabs, LEASE_MS, type Tabs } from '../panel/tabs.ts'

/** The part of Web Locks that tabs use: a line for one name, and stealing. */
class FakeLocks {
  #holder: { reject: (error: Error) => void } | null = null
  #line: (() => void)[] = []

  request(_name: string, { steal, signal }: LockOptions, held: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const hold = () => {
        const mine = { reject }
        this.#holder = mine
        void held().then(() => {
          resolve()
          if (this.#holder === mine) this.#next()
        })
      }
      signal?.addEventListener('abort', () => {
        this.#line = this.#line.filter((one) => one !== hold)
        reject(new Error('aborted'))
      })
      if (steal) {
        this.#holder?.reject(new Error('stolen'))
        hold()
      } else if (this.#holder) this.#line.push(hold)
      else hold()
    })
  }

  #next(): void {
    this.#holder = null
    this.#line.shift()?.()
  }
}

let open: Tabs[]
let elected: string[]
let heard: string[]
function tab(id: string): Tabs {
  const joined = joinTabs({ name: 'box', onElected: () => elected.push(id), onAnnounced: () => heard.push(id) })
  open.push(joined)
  return joined
}
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers()
  localStorage.clear()
  open = []
  elected = []
  heard = []
})
afterEach(() => {
  for (const one of open) one.leave()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe.each(['Web Locks', 'a lease'])('election by %s', (by) => {
  beforeEach(() => {
    const { languages } = navigator
    vi.stubGlobal('navigator', by === 'Web Locks' ? { languages, locks: new FakeLocks() } : { languages })
  })

  test('the first tab sends, the second does not', async () => {
    const [first, second] = [tab('first'), tab('second')]
    await settle()
    expect([first.isElected, second.isElected, elected]).toEqual([true, false, ['first']])
  })

  test('the tab where the visitor acts takes the role', async () => {
    const [first, second] = [tab('first'), tab('second')]
    second.take()
    await settle()
    expect([first.isElected, second.isElected]).toEqual([false, true])
    first.take()
    await settle()
    expect([first.isElected, second.isElected]).toEqual([true, false])
  })

  test('a tab that leaves hands over to one that stays', async () => {
    const [first, second] = [tab('first'), tab('second')]
    await settle()
    first.leave()
    await settle(LEASE_MS)
    expect([first.isElected, second.isElected]).toEqual([false, true])
    expect(elected).toContain('second')
  })

  test('stays elected for as long as it lives', async () => {
    const only = tab('only')
    await settle(10 * LEASE_MS)
    expect(only.isElected).toBe(true)
  })
})

test('a tab that crashed loses its lease', async () => {
  vi.stubGlobal('navigator', { languages: navigator.languages })
  localStorage.setItem('box', `crashed ${Date.now() + LEASE_MS}`)
  const next = tab('next')
  expect(next.isElected).toBe(false)
  await settle(LEASE_MS + 2000)
  expect(next.isElected).toBe(true)
})

test('tabs hear of changes, not of their own', async () => {
  vi.useRealTimers()
  vi.stubGlobal('navigator', { languages: navigator.languages })
  const [first] = [tab('first'), tab('second')]
  first.announce()
  await vi.waitFor(() => expect(heard).toEqual(['second']))
})

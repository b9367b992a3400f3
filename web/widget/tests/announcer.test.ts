import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ANNOUNCE_WAIT_MS, Announcer } from '../panel/announcer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what comes within a moment is one announcement, the next is another', () => {
  const said: string[] = []
  const announcer = new Announcer((text) => said.push(text))
  announcer.add('Lin: hello')
  announcer.add('Lin: how can I help?')
  expect(said).toEqual([])
  vi.advanceTimersByTime(ANNOUNCE_WAIT_MS)
  announcer.add('Lin: still there?')
  vi.advanceTimersByTime(ANNOUNCE_WAIT_MS)
  expect(said).toEqual(['Lin: hello\nLin: how can I help?', 'Lin: still there?'])
})

test('says nothing after it was stopped', () => {
  const said: string[] = []
  const announcer = new Announcer((text) => said.push(text))
  announcer.add('Lin: hello')
  announcer.stop()
  vi.advanceTimersByTime(ANNOUNCE_WAIT_MS)
  expect(said).toEqual([])
})

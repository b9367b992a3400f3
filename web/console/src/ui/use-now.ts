/** The time, told to components every so often: one timer for all of them. */

import { useSyncExternalStore } from 'react'

const TICK_MS = 10_000
const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | null = null

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, TICK_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
}

function tick(): void {
  now = Date.now()
  for (const listener of listeners) listener()
}

/** Milliseconds since the epoch, at most `TICK_MS` old while anybody listens. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, read)
}

function read(): number {
  if (timer === null) now = Math.max(now, Date.now() - (Date.now() % TICK_MS))
  return now
}

// How long to wait before the next try: exponential with full jitter, so that a thousand clients come back spread out.

export const BACKOFF_BASE_MS = 1000
export const BACKOFF_MAX_MS = 30_000
export const BACKOFF_MIN_MS = 100

/** Milliseconds before try number `attempt` (0 is the first), anywhere between nothing and the doubled ceiling. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 10))
  return Math.max(BACKOFF_MIN_MS, Math.round(random() * ceiling))
}

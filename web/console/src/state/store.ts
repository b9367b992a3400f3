/**
 * A value that changes, and those who want to hear of it.
 * Knows nothing of chat or of React; `use-selector.ts` joins the two.
 */

export interface Store<T> {
  get(): T
  /** Replaces the state by what `change` makes of it; listeners hear of it only if it differs. */
  update(change: (state: T) => T): void
  /** Returns its own undoing. */
  subscribe(listener: () => void): () => void
}

export function createStore<T>(initial: T): Store<T> {
  let state = initial
  const listeners = new Set<() => void>()
  return {
    get: () => state,
    update(change) {
      const next = change(state)
      if (Object.is(next, state)) return
      state = next
      for (const listener of [...listeners]) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Reads a part of a store in a component, which renders again only when that part differs. */

import { useCallback, useRef, useSyncExternalStore } from 'react'
import type { Store } from './store.ts'

export function useSelector<T, R>(
  store: Store<T>,
  select: (state: T) => R,
  isEqual: (a: R, b: R) => boolean = Object.is,
): R {
  const last = useRef<{ state: T; select: (state: T) => R; value: R } | null>(null)
  const read = useCallback(() => {
    const state = store.get()
    const held = last.current
    if (held && held.state === state && held.select === select) return held.value
    const value = select(state)
    const kept = held && isEqual(held.value, value) ? held.value : value
    last.current = { state, select, value: kept }
    return kept
  }, [store, select, isEqual])
  return useSyncExternalStore(store.subscribe, read, read)
}

import { expect, it, vi } from 'vitest'
import { createStore } from '../src/state/store.ts'

it('tells listeners of changes and of nothing else', () => {
  const store = createStore({ n: 1 })
  const listener = vi.fn()
  const stop = store.subscribe(listener)
  store.update((state) => state)
  expect(listener).not.toHaveBeenCalled()
  store.update(() => ({ n: 2 }))
  expect(listener).toHaveBeenCalledTimes(1)
  expect(store.get().n).toBe(2)
  stop()
  store.update(() => ({ n: 3 }))
  expect(listener).toHaveBeenCalledTimes(1)
})

it('a listener may leave while it is told', () => {
  const store = createStore(0)
  const second = vi.fn()
  const stop = store.subscribe(() => stop())
  store.subscribe(second)
  store.update(() => 1)
  expect(second).toHaveBeenCalledTimes(1)
})

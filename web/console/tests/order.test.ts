import { expect, it } from 'vitest'
import { freezeOrder } from '../src/state/order.ts'

it('while frozen nothing moves, goes or comes; what is new is counted', () => {
  expect(freezeOrder(['a', 'b', 'c'], ['new', 'c', 'a'])).toEqual({ ids: ['a', 'b', 'c'], waiting: 1 })
})

import { expect, it } from 'vitest'
import { isNews } from '../src/session/alerts.ts'
import { stateWith } from './support/draw.tsx'
import { ME, row } from './support/shapes.ts'

const state = stateWith()
const fresh = row('c1', { seq: 2, unread: 1 })

it('a visitor’s message to this agent or to nobody is news', () => {
  expect(isNews(fresh, row('c1'), state, false)).toBe(true)
  expect(isNews(fresh, null, state, false)).toBe(true)
  expect(isNews({ ...fresh, assignedTo: ME }, row('c1'), state, false)).toBe(true)
})

it('what another agent answers for, an agent wrote, or nobody wrote is not', () => {
  expect(isNews({ ...fresh, assignedTo: 'agent-2' }, row('c1'), state, false)).toBe(false)
  expect(isNews({ ...fresh, previewSender: 'admin' }, row('c1'), state, false)).toBe(false)
  expect(isNews(fresh, fresh, state, false)).toBe(false)
  expect(isNews({ ...fresh, unread: 0 }, row('c1'), state, false)).toBe(false)
})

it('what is before the agent’s eyes is not, unless the page is hidden', () => {
  const open = { ...state, openId: 'c1' }
  expect(isNews(fresh, row('c1'), open, false)).toBe(false)
  expect(isNews(fresh, row('c1'), open, true)).toBe(true)
})

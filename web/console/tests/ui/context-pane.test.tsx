import { afterEach, expect, it } from 'vitest'
import { ContextPane } from '../../src/ui/context/ContextPane.tsx'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'
import { row } from '../support/shapes.ts'

let drawing: Drawing
afterEach(() => drawing.end())

const NOTHING = { entryUrl: null, pageTitle: null, referrer: null, locale: null, timezone: null }
const titles = async (change: Parameters<typeof row>[1]) => {
  const state = { ...stateWith([row('c1', { ...NOTHING, ...change })]), openId: 'c1' }
  drawing = await draw(<ContextPane onClose={() => undefined} />, { state, language: 'en' })
  return [...drawing.root.querySelectorAll('h3')].map((title) => title.textContent)
}

it('has no heading over a visit of which nothing is known', async () => {
  expect(await titles({})).toEqual(['Assigned to', 'Contact', 'Conversation'])
})

it.each([
  { entryUrl: 'https://shop.example/tea' },
  { referrer: 'https://search.example/' },
  { locale: 'de' },
  { timezone: 'Europe/Berlin' },
])('tells of the visit what is known: %o', async (known) => {
  expect(await titles(known)).toContain('Visit')
})

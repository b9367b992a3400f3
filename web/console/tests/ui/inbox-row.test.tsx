import { afterEach, expect, it, vi } from 'vitest'
import { EMPTY_DRAFT } from '../../src/state/drafts.ts'
import { InboxRowView } from '../../src/ui/inbox/InboxRowView.tsx'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'
import { ME, row } from '../support/shapes.ts'

let drawing: Drawing
afterEach(() => drawing.end())

const view = <InboxRowView id="c1" isOpen={false} onOpen={() => undefined} />
const drawRow = async (change: Parameters<typeof row>[1], language: 'en' | 'zh-CN' = 'en') => {
  drawing = await draw(view, { state: stateWith([row('c1', change)]), language })
  return drawing.find('inbox-row')
}

it('says who, what, and how much is unread', async () => {
  const element = await drawRow({ visitorName: 'Maya', preview: 'Is it in stock?', unread: 3 })
  expect(element.dataset.conversationId).toBe('c1')
  expect(element.textContent).toContain('Maya')
  expect(element.textContent).toContain('Is it in stock?')
  expect(element.textContent).toContain('3 unread messages')
})

it('names a visitor without a name by the end of the id, in the language', async () => {
  const element = await drawRow({ visitorName: '  ' }, 'zh-CN')
  expect(element.textContent).toContain('访客 c1')
})

it('says who answers for it', async () => {
  const element = await drawRow({ assignedTo: ME, assigneeName: 'Lin' })
  expect(element.textContent).toContain('You')
  await drawing.end()
  expect((await drawRow({ assignedTo: 'agent-2', assigneeName: 'Ana' })).textContent).toContain('Ana')
  await drawing.end()
  expect((await drawRow({})).textContent).toContain('Unassigned')
})

it('says how long somebody waits', async () => {
  const element = await drawRow({ waitingSince: new Date(Date.now() - 200 * 60_000).toISOString() })
  expect(element.textContent).toContain('waiting for 3h')
})

it('shows a draft instead of the preview, and typing instead of both', async () => {
  const element = await drawRow({ preview: 'old words' })
  await drawing.change((state) => ({
    ...state,
    drafts: new Map([['c1', { ...EMPTY_DRAFT, text: 'half a sentence' }]]),
  }))
  expect(element.textContent).toContain('Draft: half a sentence')
  expect(element.textContent).not.toContain('old words')
  await drawing.change((state) => ({
    ...state,
    typing: new Map([['c1', { visitor: { name: null, draft: null }, agents: new Map() }]]),
  }))
  expect(element.textContent).toContain('typing')
  expect(element.textContent).not.toContain('half a sentence')
})

it('opens on a click and is marked while open', async () => {
  const onOpen = vi.fn()
  drawing = await draw(<InboxRowView id="c1" isOpen onOpen={onOpen} />)
  const element = drawing.find('inbox-row')
  expect(element.getAttribute('aria-current')).toBe('true')
  await drawing.click(element)
  expect(onOpen).toHaveBeenCalledTimes(1)
})

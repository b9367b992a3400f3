import { act } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { putRow } from '../../src/state/inbox.ts'
import { InboxPane } from '../../src/ui/inbox/InboxPane.tsx'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'
import { ME, row } from '../support/shapes.ts'

let drawing: Drawing
// happy-dom lays nothing out; a list of no height would draw no row.
beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(800)
})
afterEach(async () => {
  await drawing.end()
  vi.restoreAllMocks()
})

const at = (minute: number) => ({ lastMessageAt: `2026-11-22T08:${String(minute).padStart(2, '0')}:00.000Z` })
const rows = [row('c1', at(3)), row('c2', at(2)), row('c3', at(1))]

const shown = () =>
  [...drawing.root.querySelectorAll<HTMLElement>('[data-testid="inbox-row"]')]
    .sort((a, b) => top(a) - top(b))
    .map((one) => one.dataset.conversationId)
const top = (element: HTMLElement) =>
  Number(/translateY\((\d+)/u.exec(element.closest('li')?.style.transform ?? '')?.[1])
const arrive = (id: string, minute: number) =>
  drawing.change((state) => ({
    ...state,
    inbox: putRow(state.inbox, row(id, { ...at(minute), seq: 1 }), ME, new Set()),
  }))
const point = (type: 'pointerover' | 'pointerout') =>
  act(async () => {
    drawing.find('inbox').parentElement?.dispatchEvent(new PointerEvent(type, { bubbles: true }))
  })

it('lists the newest first, and a new conversation the moment it comes', async () => {
  drawing = await draw(<InboxPane />, { state: stateWith(rows) })
  expect(shown()).toEqual(['c1', 'c2', 'c3'])
  await arrive('c4', 4)
  expect(shown()).toEqual(['c4', 'c1', 'c2', 'c3'])
})

it('moves no row while the pointer is over the list, and says what waits', async () => {
  drawing = await draw(<InboxPane />, { state: stateWith(rows) })
  await point('pointerover')
  await arrive('c3', 9)
  await arrive('c4', 8)
  expect(shown()).toEqual(['c1', 'c2', 'c3'])
  expect(drawing.root.textContent).toContain('1 new conversation')
  await point('pointerout')
  expect(shown()).toEqual(['c3', 'c4', 'c1', 'c2'])
})

it('has numbers beside its tabs, and asks for a tab by its name', async () => {
  drawing = await draw(<InboxPane />, { state: stateWith(rows) })
  const tabs = [...drawing.root.querySelectorAll<HTMLElement>('[role="tab"]')]
  expect(tabs.map((tab) => tab.textContent)).toEqual(['Mine', 'Unassigned3', 'All3', 'Closed'])
  expect(tabs.map((tab) => tab.getAttribute('aria-selected'))).toEqual(['false', 'false', 'true', 'false'])
})

it('opens what is clicked', async () => {
  drawing = await draw(<InboxPane />, { state: stateWith(rows) })
  await drawing.click(drawing.find('inbox-row'))
  expect(drawing.actions.open).toHaveBeenCalledWith('c1')
})

it('tells an empty tab from one that is being fetched', async () => {
  drawing = await draw(<InboxPane />, { state: stateWith(rows, { filter: 'closed' }) })
  expect(drawing.root.querySelector('[role="status"]')?.getAttribute('aria-label')).toBe('Loading conversations')
  await drawing.change((state) => ({
    ...state,
    filter: 'mine',
    inbox: { ...state.inbox, pages: { ...state.inbox.pages, mine: { cursor: null, more: false, asked: true } } },
  }))
  expect(drawing.root.textContent).toContain('Nothing assigned to you')
})

it('asks for the next page when the end is near', async () => {
  const state = stateWith(rows)
  const pages = { ...state.inbox.pages, all: { cursor: 'c', more: true, asked: true } }
  drawing = await draw(<InboxPane />, { state: { ...state, inbox: { ...state.inbox, pages } } })
  expect(drawing.actions.nextPage).toHaveBeenCalled()
})

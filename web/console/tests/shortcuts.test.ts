import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Actions } from '../src/session/actions.ts'
import { createStore } from '../src/state/store.ts'
import type { Console } from '../src/ui/console.tsx'
import { COMMANDS, FOCUS_COMPOSER, listenToKeys } from '../src/ui/shortcuts.ts'
import { stateWith } from './support/draw.tsx'

const actions = { move: vi.fn(), assign: vi.fn(), closeAndNext: vi.fn(), draft: vi.fn(), overlay: vi.fn() }
let console: Console
let stop: () => void

beforeEach(() => {
  vi.clearAllMocks()
  const root = document.createElement('div')
  document.body.replaceChildren(root)
  const host = { root, server: '', tokenUrl: '', loginUrl: null, logoutUrl: null, locale: '' }
  console = { store: createStore(stateWith(undefined, { openId: 'c1' })), actions: actions as unknown as Actions, host }
  stop = listenToKeys(console)
})
afterEach(() => stop())

function press(key: string, init: KeyboardEventInit = {}, target: EventTarget = document.body) {
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }))
}

it('single keys act on the open conversation', () => {
  const focused = vi.fn()
  console.host.root.addEventListener(FOCUS_COMPOSER, focused)
  for (const key of ['j', 'k', 'a', 'e', 'n']) press(key)
  expect(actions.move.mock.calls).toEqual([[1], [-1]])
  expect(actions.assign).toHaveBeenCalledWith('c1', true)
  expect(actions.closeAndNext).toHaveBeenCalledWith('c1')
  expect(actions.draft).toHaveBeenCalledWith('c1', { mode: 'note' })
  expect(focused).toHaveBeenCalledTimes(1)
})

it('are off inside fields, with modifiers, under a dialog, and when turned off', () => {
  const field = document.createElement('textarea')
  document.body.append(field)
  press('j', {}, field)
  press('j', { ctrlKey: true })
  press('j', { isComposing: true })
  console.store.update((state) => ({ ...state, overlay: 'settings' }))
  press('j')
  console.store.update((state) => ({ ...state, overlay: null, settings: { ...state.settings, shortcuts: false } }))
  press('j')
  expect(actions.move).not.toHaveBeenCalled()
})

it('Ctrl+K and ⌘K open the palette from anywhere', () => {
  const field = document.createElement('textarea')
  document.body.append(field)
  console.store.update((state) => ({ ...state, settings: { ...state.settings, shortcuts: false } }))
  press('k', { ctrlKey: true }, field)
  press('K', { metaKey: true })
  expect(actions.overlay.mock.calls).toEqual([['palette'], ['palette']])
})

it('what is not possible does nothing', () => {
  console.store.update((state) => ({ ...state, me: { adminId: 'v', role: 'viewer', name: null } }))
  for (const key of ['a', 'e', 'n', 'r']) press(key)
  expect(actions.assign).not.toHaveBeenCalled()
  expect(actions.closeAndNext).not.toHaveBeenCalled()
  expect(actions.draft).not.toHaveBeenCalled()
})

it('no key means two things', () => {
  const keys = COMMANDS.flatMap(({ key }) => (key ? [key] : []))
  expect(new Set(keys).size).toBe(keys.length)
})

/** Draws a component as the console would, with a state of the test's choosing and actions that only remember. */

import { act, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { type Mock, vi } from 'vitest'
import { LanguageProvider } from '../../src/i18n/i18n.tsx'
import type { Actions } from '../../src/session/actions.ts'
import { putPage } from '../../src/state/inbox.ts'
import type { Language } from '../../src/state/settings.ts'
import { type ConsoleState, INITIAL_STATE } from '../../src/state/state.ts'
import { createStore, type Store } from '../../src/state/store.ts'
import { ConsoleContext, type Room, RoomContext } from '../../src/ui/console.tsx'
import { ME, row } from './shapes.ts'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

export type FakeActions = { [Name in keyof Actions]: Mock }

export interface Drawing {
  root: HTMLElement
  store: Store<ConsoleState>
  actions: FakeActions
  /** Draws something else in its place. */
  show(children: ReactNode): Promise<void>
  /** Changes the state, and waits until it is drawn. */
  change(change: (state: ConsoleState) => ConsoleState): Promise<void>
  find(testId: string): HTMLElement
  /** A button by its name. */
  button(name: string): HTMLElement
  click(element: HTMLElement): Promise<void>
  type(element: HTMLElement, text: string): Promise<void>
  key(element: HTMLElement, key: string, init?: KeyboardEventInit): Promise<boolean>
  end(): Promise<void>
}

const NAMES: (keyof Actions)[] = [
  'open',
  'move',
  'filter',
  'sort',
  'nextPage',
  'loadOlder',
  'draft',
  'send',
  'retry',
  'edit',
  'typed',
  'seen',
  'assign',
  'close',
  'closeAndNext',
  'reopen',
  'settings',
  'overlay',
  'dismiss',
  'health',
  'tryNow',
]

export function stateWith(rows = [row('c1')], change: Partial<ConsoleState> = {}): ConsoleState {
  const counts = { mine: 0, unassigned: rows.length, all: rows.length, closed: 0 }
  const ack = { ok: true as const, rows, cursor: null, more: false, since: 's', counts }
  return {
    ...INITIAL_STATE,
    me: { adminId: ME, role: 'agent', name: 'Lin' },
    connection: 'online',
    inbox: putPage(INITIAL_STATE.inbox, ack, 'all', new Set()),
    ...change,
  }
}

export interface DrawOptions {
  state?: ConsoleState
  language?: Language
  room?: Room
}

export async function draw(children: ReactNode, options: DrawOptions = {}): Promise<Drawing> {
  const store = createStore(options.state ?? stateWith())
  const actions = Object.fromEntries(NAMES.map((name) => [name, vi.fn()])) as FakeActions
  const root = document.createElement('div')
  document.body.append(root)
  const host = { root, server: 'https://chat.example', tokenUrl: '/t', loginUrl: null, logoutUrl: null, locale: '' }
  const reactRoot = createRoot(root)
  const show = (shown: ReactNode) =>
    act(async () =>
      reactRoot.render(
        <ConsoleContext value={{ store, actions, host }}>
          <LanguageProvider language={options.language ?? 'en'}>
            <RoomContext value={options.room ?? 'wide'}>{shown}</RoomContext>
          </LanguageProvider>
        </ConsoleContext>,
      ),
    )
  await show(children)
  const find = (selector: string) => {
    const found = root.querySelector<HTMLElement>(selector)
    if (!found) throw new Error(`nothing matches ${selector} in ${root.innerHTML}`)
    return found
  }
  return {
    root,
    store,
    actions,
    show,
    change: (change) => act(async () => store.update(change)),
    find: (testId) => find(`[data-testid="${testId}"]`),
    button: (name) => {
      const buttons = [...root.querySelectorAll<HTMLElement>('button')]
      const found = buttons.find((one) => (one.getAttribute('aria-label') ?? one.textContent)?.trim() === name)
      if (!found) throw new Error(`no button is called ${name}`)
      return found
    },
    click: (element) => act(async () => element.click()),
    type: (element, text) => act(async () => setValue(element as HTMLTextAreaElement, text)),
    async key(element, key, init = {}) {
      const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init })
      await act(async () => element.dispatchEvent(event))
      return event.defaultPrevented
    },
    async end() {
      await act(async () => reactRoot.unmount())
      root.remove()
    },
  }
}

/** React reads changes of a field through the prototype's setter. */
function setValue(field: HTMLTextAreaElement | HTMLInputElement, text: string): void {
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value')?.set?.call(field, text)
  field.dispatchEvent(new Event('input', { bubbles: true }))
}

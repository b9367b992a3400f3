/** Everything the keyboard can do, once: for the keys themselves, the palette and the sheet. */

import type { TextKey } from '../i18n/i18n.tsx'
import { viewRow } from '../state/inbox.ts'
import { type ConsoleState, mayAct } from '../state/state.ts'
import type { Console } from './console.tsx'
import type { IconName } from './parts/Icon.tsx'

export const MODIFIER = /mac|iphone|ipad/iu.test(globalThis.navigator?.platform ?? '') ? '⌘' : 'Ctrl'

export interface Command {
  id: string
  label: TextKey
  icon: IconName
  /** A single key, as `KeyboardEvent.key` names it; null for what only the palette offers. */
  key: string | null
  isPossible(state: ConsoleState): boolean
  run(console: Console): void
}

const always = () => true
const mayChangeOpen = (state: ConsoleState) => mayAct(state) && openRow(state) !== null
const isOpenStatus = (status: 'open' | 'closed') => (state: ConsoleState) =>
  mayChangeOpen(state) && openRow(state)?.status === status

function openRow(state: ConsoleState) {
  return state.openId ? viewRow(state.inbox, state.openId) : null
}

/** Runs with the open conversation; without one nothing happens. */
function onOpen(run: (console: Console, id: string) => void): (console: Console) => void {
  return (console) => {
    const { openId } = console.store.get()
    if (openId) run(console, openId)
  }
}

/** What a key asks of whichever pane is there; dispatched on the console's root. */
export const FOCUS_COMPOSER = 'kefu:focus-composer'
export const TOGGLE_CONTEXT = 'kefu:toggle-context'

function write(mode: 'reply' | 'note') {
  return onOpen(({ actions, host }, id) => {
    actions.draft(id, { mode })
    host.root.dispatchEvent(new CustomEvent(FOCUS_COMPOSER))
  })
}

export const COMMANDS: readonly Command[] = [
  {
    id: 'next',
    label: 'command.next',
    icon: 'down',
    key: 'j',
    isPossible: always,
    run: ({ actions }) => actions.move(1),
  },
  {
    id: 'previous',
    label: 'command.previous',
    icon: 'up',
    key: 'k',
    isPossible: always,
    run: ({ actions }) => actions.move(-1),
  },
  {
    id: 'reply',
    label: 'command.reply',
    icon: 'reply',
    key: 'r',
    isPossible: isOpenStatus('open'),
    run: write('reply'),
  },
  { id: 'note', label: 'command.note', icon: 'lock', key: 'n', isPossible: isOpenStatus('open'), run: write('note') },
  {
    id: 'assign',
    label: 'command.assign',
    icon: 'personAdd',
    key: 'a',
    isPossible: (state) => mayChangeOpen(state) && openRow(state)?.assignedTo !== state.me?.adminId,
    run: onOpen(({ actions }, id) => actions.assign(id, true)),
  },
  {
    id: 'unassign',
    label: 'command.unassign',
    icon: 'person',
    key: null,
    isPossible: (state) => mayChangeOpen(state) && Boolean(openRow(state)?.assignedTo),
    run: onOpen(({ actions }, id) => actions.assign(id, false)),
  },
  {
    id: 'close',
    label: 'command.close',
    icon: 'check',
    key: 'e',
    isPossible: isOpenStatus('open'),
    run: onOpen(({ actions }, id) => actions.closeAndNext(id)),
  },
  {
    id: 'reopen',
    label: 'command.reopen',
    icon: 'refresh',
    key: null,
    isPossible: isOpenStatus('closed'),
    run: onOpen(({ actions }, id) => actions.reopen(id)),
  },
  {
    id: 'context',
    label: 'command.context',
    icon: 'panel',
    key: 'i',
    isPossible: (state) => state.openId !== null,
    run: ({ host }) => host.root.dispatchEvent(new CustomEvent(TOGGLE_CONTEXT)),
  },
  {
    id: 'settings',
    label: 'settings.title',
    icon: 'sliders',
    key: null,
    isPossible: always,
    run: ({ actions }) => actions.overlay('settings'),
  },
  {
    id: 'health',
    label: 'health.title',
    icon: 'alert',
    key: null,
    isPossible: (state) => state.me?.role === 'owner',
    run: ({ actions }) => actions.overlay('health'),
  },
  {
    id: 'shortcuts',
    label: 'shortcuts.title',
    icon: 'keyboard',
    key: '?',
    isPossible: always,
    run: ({ actions }) => actions.overlay('shortcuts'),
  },
]

/** Listens for keys on the page. Returns its own undoing. */
export function listenToKeys(console: Console): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    const state = console.store.get()
    if (event.defaultPrevented || event.isComposing) return
    if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      console.actions.overlay(state.overlay === 'palette' ? null : 'palette')
      return
    }
    const isPlain = !event.metaKey && !event.ctrlKey && !event.altKey
    if (!isPlain || !state.settings.shortcuts || state.overlay || isTyping(event.target)) return
    const command = COMMANDS.find((one) => one.key === event.key)
    if (!command?.isPossible(state)) return
    event.preventDefault()
    command.run(console)
  }
  document.addEventListener('keydown', onKeyDown)
  return () => document.removeEventListener('keydown', onKeyDown)
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, textarea, select, [contenteditable], [role="menu"], [role="dialog"]') !== null
  )
}

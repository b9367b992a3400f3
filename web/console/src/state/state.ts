/** Everything the console shows, as one value. Knows shapes only; `session/` changes it, `ui/` draws it. */

import type { Message, Note } from '@kefu/protocol'
import type { TokenTrouble } from '../session/token.ts'
import type { Drafts } from './drafts.ts'
import { EMPTY_INBOX, type Filter, type Inbox, type Sort } from './inbox.ts'
import { DEFAULT_SETTINGS, type Settings } from './settings.ts'
import type { Outgoing } from './thread.ts'

export interface Me {
  adminId: string
  role: 'owner' | 'admin' | 'agent' | 'viewer'
  name: string | null
}

/** `forbidden`: the server knows the agent and refuses them. */
export type Connection = 'connecting' | 'online' | 'offline' | 'forbidden'

export interface Thread {
  state: 'loading' | 'ready' | 'failed'
  /** Why it could not be opened. */
  error: string | null
  messages: readonly Message[]
  notes: readonly Note[]
  loadingOlder: boolean
  /** What agents had read when this agent opened it; null for no divider. */
  unreadAfter: number | null
}

export const LOADING_THREAD: Thread = {
  state: 'loading',
  error: null,
  messages: [],
  notes: [],
  loadingOlder: false,
  unreadAfter: null,
}

/** Somebody types; `draft` is what stands in their box, where the site shares it. */
export interface TypingPerson {
  name: string | null
  draft: string | null
}

export interface Typing {
  visitor: TypingPerson | null
  /** By agent id, never this agent. */
  agents: ReadonlyMap<string, TypingPerson>
}

export interface Toast {
  id: number
  tone: 'plain' | 'problem'
  /** Catalogue key of the sentence. */
  text: string
  undo: (() => void) | null
}

export type Overlay = 'palette' | 'shortcuts' | 'settings' | 'health' | null

export interface ConsoleState {
  me: Me | null
  connection: Connection
  trouble: TokenTrouble | null
  inbox: Inbox
  filter: Filter
  sort: Sort
  /** The conversation in the thread pane. */
  openId: string | null
  threads: ReadonlyMap<string, Thread>
  outgoing: ReadonlyMap<string, readonly Outgoing[]>
  drafts: Drafts
  typing: ReadonlyMap<string, Typing>
  toasts: readonly Toast[]
  overlay: Overlay
  settings: Settings
  /** A tab's page is being fetched. */
  paging: boolean
}

export const INITIAL_STATE: ConsoleState = {
  me: null,
  connection: 'connecting',
  trouble: null,
  inbox: EMPTY_INBOX,
  filter: 'all',
  sort: 'newest',
  openId: null,
  threads: new Map(),
  outgoing: new Map(),
  drafts: new Map(),
  typing: new Map(),
  toasts: [],
  overlay: null,
  settings: DEFAULT_SETTINGS,
  paging: false,
}

/** Viewers see everything and change nothing. */
export function mayAct(state: ConsoleState): boolean {
  return state.me !== null && state.me.role !== 'viewer'
}

/** Joins the parts of a console session and gives components their actions. Holds no state and no rule of its own. */

import type { InboxRow } from '@kefu/protocol'
import { listIds } from '../state/inbox.ts'
import { keepOpen, keptOpen } from '../state/last-open.ts'
import { pageStorage, type Settings, saveSettings } from '../state/settings.ts'
import type { ConsoleState } from '../state/state.ts'
import type { Store } from '../state/store.ts'
import type { Actions } from './actions.ts'
import { AgentConnection, type ConnectionOptions } from './connection.ts'
import { Conversations } from './conversations.ts'
import { Deeds } from './deeds.ts'
import { askHealth } from './health.ts'
import { InboxFeed } from './inbox.ts'
import { Sending } from './sending.ts'
import { Toasts } from './toasts.ts'

export interface SessionOptions extends Omit<ConnectionOptions, 'onAuthed'> {
  storage?: Storage | null
  /** Hears of each live row; for sound and notifications. */
  onRow?: (row: InboxRow, before: InboxRow | null) => void
}

export interface Session {
  actions: Actions
  start(): void
  stop(): void
}

export function createSession(options: SessionOptions): Session {
  const { store } = options
  const storage = options.storage === undefined ? pageStorage() : options.storage
  const connection = new AgentConnection({ ...options, onAuthed: () => authed() })
  const conversations = new Conversations(store, connection)
  const inbox = new InboxFeed(store, connection, (row, before) => {
    conversations.announce(row)
    options.onRow?.(row, before)
  })
  const sending = new Sending(store, connection, conversations, storage)
  const toasts = new Toasts(store)
  const deeds = new Deeds(store, connection, toasts)

  function authed(): void {
    const { me } = store.get()
    if (me) void sending.authed(me.adminId)
    conversations.rejoin()
    void inbox.sync().then(reopenLast)
  }

  /** After a reload the tab shows the conversation that it showed before, if it is still in the list. */
  function reopenLast(): void {
    const id = keptOpen()
    const { openId, inbox: list } = store.get()
    if (id && !openId && list.rows.has(id)) conversations.open(id)
  }

  const actions: Actions = {
    open: (id) => {
      keepOpen(id)
      conversations.open(id)
    },
    move: (step) => move(store, actions, step),
    filter: (filter) => inbox.filter(filter),
    sort: (sort) => inbox.sort(sort),
    nextPage: () => inbox.nextPage(),
    loadOlder: (id) => conversations.loadOlder(id),
    draft: (id, change) => sending.draft(id, change),
    send: (id) => {
      conversations.stoppedTyping(id)
      void sending.send(id)
    },
    retry: (clientId) => sending.retry(clientId),
    edit: (clientId) => sending.edit(clientId),
    typed: (id) => conversations.typed(id),
    seen: (id) => conversations.seen(id),
    assign: (id, toMe) => deeds.assign(id, toMe),
    close: (id) => void deeds.close(id),
    closeAndNext: (id) => {
      const next = neighbour(store.get(), id)
      void deeds.close(id)
      if (next) actions.open(next)
    },
    reopen: (id) => deeds.reopen(id),
    settings: (change) => changeSettings(store, storage, change),
    overlay: (overlay) => store.update((state) => ({ ...state, overlay })),
    dismiss: (id) => toasts.dismiss(id),
    health: (language) =>
      askHealth({
        server: options.server,
        language,
        token: () => connection.token(),
        fetch: options.fetch ?? ((...args) => fetch(...args)),
      }),
    tryNow: () => connection.wake(),
  }

  const detach = listenToPage(
    () => connection.wake(),
    () => sending.saveNow(),
  )
  return {
    actions,
    start: () => connection.start(),
    stop() {
      detach()
      for (const part of [inbox, conversations, sending, toasts, connection]) part.stop()
    },
  }
}

function changeSettings(store: Store<ConsoleState>, storage: Storage | null, change: Partial<Settings>): void {
  store.update((state) => ({ ...state, settings: { ...state.settings, ...change } }))
  saveSettings(storage, store.get().settings)
}

function move(store: Store<ConsoleState>, actions: Actions, step: 1 | -1): void {
  const { inbox, filter, me, sort, openId } = store.get()
  const ids = listIds(inbox, filter, me?.adminId ?? null, sort)
  const at = openId ? ids.indexOf(openId) : -1
  const next = at < 0 ? ids[0] : ids[at + step]
  if (next) actions.open(next)
}

/** What to show after `id` has left the list: the next below, else the one above. */
function neighbour(state: ConsoleState, id: string): string | null {
  const ids = listIds(state.inbox, state.filter, state.me?.adminId ?? null, state.sort)
  const at = ids.indexOf(id)
  return at < 0 ? null : (ids[at + 1] ?? ids[at - 1] ?? null)
}

/** A machine that wakes and a tab that comes to the front look at their connection at once. */
function listenToPage(wake: () => void, hide: () => void): () => void {
  const onVisibility = () => (document.hidden ? hide() : wake())
  document.addEventListener('visibilitychange', onVisibility)
  for (const event of ['online', 'focus', 'pageshow']) window.addEventListener(event, wake)
  window.addEventListener('pagehide', hide)
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    for (const event of ['online', 'focus', 'pageshow']) window.removeEventListener(event, wake)
    window.removeEventListener('pagehide', hide)
  }
}

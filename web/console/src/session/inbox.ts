/**
 * Keeps the list of conversations true: pages of each tab, changes since the last look, live updates.
 * Knows rows; knows nothing of the messages inside a conversation.
 */

import type { InboxAck, InboxRow } from '@kefu/protocol'
import { type Filter, patchRow, putPage, putRow, ROWS_MAX, type Sort } from '../state/inbox.ts'
import type { ConsoleState } from '../state/state.ts'
import type { Store } from '../state/store.ts'
import type { AgentConnection } from './connection.ts'

/** A fan-out may be lost; what was missed is asked for at least this often. */
export const SYNC_EVERY_MS = 60_000
const PAGE_ROWS = 50

export class InboxFeed {
  readonly #store: Store<ConsoleState>
  readonly #connection: AgentConnection
  readonly #detach: (() => void)[]
  readonly #timer: ReturnType<typeof setInterval>
  #syncing: Promise<void> | null = null

  /** @param onRow called with the row before and after each live update */
  constructor(
    store: Store<ConsoleState>,
    connection: AgentConnection,
    onRow: (row: InboxRow, before: InboxRow | null) => void,
  ) {
    this.#store = store
    this.#connection = connection
    this.#detach = [
      connection.link.on('conversation_update', (row) => {
        const before = store.get().inbox.rows.get(row.conversationId) ?? null
        store.update((state) => ({ ...state, inbox: putRow(state.inbox, row, state.me?.adminId ?? null, kept(state)) }))
        onRow(row, before)
      }),
      connection.link.on('presence', ({ conversationId, online }) => {
        if (conversationId) this.#patch(conversationId, { visitorOnline: online })
      }),
      connection.link.on('read', ({ conversationId, senderType, seq }) => this.#read(conversationId, senderType, seq)),
    ]
    this.#timer = setInterval(() => void this.sync(), SYNC_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const detach of this.#detach) detach()
  }

  /** Brings the list up to date; a call while one is under way joins it. Never rejects. */
  sync(): Promise<void> {
    this.#syncing ??= this.#catchUp()
      .catch(() => undefined) // Refused or unanswered: the next look, a minute or a reconnect away, asks the same.
      .finally(() => {
        this.#syncing = null
      })
    return this.#syncing
  }

  filter(filter: Filter): void {
    this.#store.update((state) => ({ ...state, filter }))
    if (!this.#store.get().inbox.pages[filter].asked) void this.#page(filter)
  }

  sort(sort: Sort): void {
    this.#store.update((state) => ({ ...state, sort }))
  }

  nextPage(): void {
    const { inbox, filter, paging } = this.#store.get()
    if (!paging && inbox.pages[filter].more && inbox.rows.size < ROWS_MAX) void this.#page(filter)
  }

  async #catchUp(): Promise<void> {
    if (!this.#connection.isAuthed) return
    const { inbox, filter } = this.#store.get()
    if (inbox.since !== null) await this.#changesSince(inbox.since)
    if (!inbox.pages[filter].asked) await this.#page(filter)
  }

  async #changesSince(since: string): Promise<void> {
    let mark: string | null = null
    let cursor: string | null = null
    for (let rows = 0; rows < ROWS_MAX; rows += PAGE_ROWS) {
      const ack: InboxAck = await this.#connection.link.request('admin_inbox', { since, cursor, limit: PAGE_ROWS })
      // The mark of the first page is the oldest, so nothing written meanwhile is missed.
      mark ??= ack.since
      this.#store.update((state) => ({ ...state, inbox: putPage(state.inbox, ack, null, kept(state)) }))
      cursor = ack.cursor
      if (!ack.more || cursor === null) break
    }
    this.#store.update((state) => ({ ...state, inbox: { ...state.inbox, since: mark } }))
  }

  async #page(filter: Filter): Promise<void> {
    if (!this.#connection.isAuthed) return
    const { cursor } = this.#store.get().inbox.pages[filter]
    this.#store.update((state) => ({ ...state, paging: true }))
    try {
      const ack = await this.#connection.link.request('admin_inbox', { filter, cursor, limit: PAGE_ROWS })
      this.#store.update((state) => ({ ...state, inbox: putPage(state.inbox, ack, filter, kept(state)) }))
    } catch {
      // The tab stays unasked or keeps its cursor; scrolling, choosing it again or the next sync asks again.
    } finally {
      this.#store.update((state) => ({ ...state, paging: false }))
    }
  }

  #read(conversationId: string, senderType: string, seq: number): void {
    const row = this.#store.get().inbox.rows.get(conversationId)
    if (!row) return
    if (senderType === 'visitor') this.#patch(conversationId, { visitorReadSeq: Math.max(row.visitorReadSeq, seq) })
    if (senderType === 'admin') this.#patch(conversationId, { agentReadSeq: Math.max(row.agentReadSeq, seq) })
  }

  #patch(id: string, patch: Partial<InboxRow>): void {
    this.#store.update((state) => ({ ...state, inbox: patchRow(state.inbox, id, patch, state.me?.adminId ?? null) }))
  }
}

/** Conversations that stay in memory however old they are. */
function kept(state: ConsoleState): ReadonlySet<string> {
  const keep = new Set(state.drafts.keys())
  if (state.openId) keep.add(state.openId)
  return keep
}

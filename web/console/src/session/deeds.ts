/**
 * Assign, close, reopen: shown at once, taken back with a word where the server refuses.
 * Knows rows and refusals; nothing of messages.
 */

import { Refused } from '@kefu/client'
import type { InboxRow } from '@kefu/protocol'
import { overlayRow, patchRow } from '../state/inbox.ts'
import { type ConsoleState, mayAct } from '../state/state.ts'
import type { Store } from '../state/store.ts'
import type { AgentConnection } from './connection.ts'
import type { Toasts } from './toasts.ts'

export class Deeds {
  readonly #store: Store<ConsoleState>
  readonly #connection: AgentConnection
  readonly #toasts: Toasts

  constructor(store: Store<ConsoleState>, connection: AgentConnection, toasts: Toasts) {
    this.#store = store
    this.#connection = connection
    this.#toasts = toasts
  }

  assign(id: string, toMe: boolean): void {
    const { me } = this.#store.get()
    const wish =
      toMe && me ? { assignedTo: me.adminId, assigneeName: me.name } : { assignedTo: null, assigneeName: null }
    const { link } = this.#connection
    void this.#do(id, wish, () =>
      link.request('admin_assign', toMe ? { conversationId: id } : { conversationId: id, adminId: '' }),
    )
  }

  async close(id: string): Promise<void> {
    const wish = { status: 'closed', waitingSince: null } as const
    const isDone = await this.#do(id, wish, () => this.#connection.link.request('admin_close', { conversationId: id }))
    if (isDone) this.#toasts.show('plain', 'toast.closed', () => this.reopen(id))
  }

  reopen(id: string): void {
    const wish = { status: 'open', closedAt: null } as const
    void this.#do(id, wish, () => this.#connection.link.request('admin_reopen', { conversationId: id }))
  }

  /** Shows the wish, asks, and keeps it or takes it back. Returns whether the server did it. */
  async #do(id: string, wish: Partial<InboxRow>, ask: () => Promise<unknown>): Promise<boolean> {
    const state = this.#store.get()
    if (!mayAct(state) || !state.inbox.rows.has(id)) return false
    this.#store.update((now) => ({ ...now, inbox: overlayRow(now.inbox, id, wish) }))
    try {
      await ask()
      this.#store.update((now) => ({ ...now, inbox: patchRow(now.inbox, id, wish, now.me?.adminId ?? null) }))
      return true
    } catch (error) {
      const code = error instanceof Refused ? error.code : 'UNANSWERED'
      this.#connection.notice(code)
      this.#toasts.show('problem', `error.${code}`)
      return false
    } finally {
      this.#store.update((now) => ({ ...now, inbox: overlayRow(now.inbox, id, null) }))
    }
  }
}

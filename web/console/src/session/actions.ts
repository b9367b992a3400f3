/** What an agent can do in the console; components call these and nothing else. */

import type { Draft } from '../state/drafts.ts'
import type { Filter, Sort } from '../state/inbox.ts'
import type { Language, Settings } from '../state/settings.ts'
import type { Overlay } from '../state/state.ts'
import type { Health } from './health.ts'

export interface Actions {
  /** Shows a conversation, or none. */
  open(id: string | null): void
  /** The next or previous conversation of the list. */
  move(step: 1 | -1): void
  filter(filter: Filter): void
  sort(sort: Sort): void
  nextPage(): void
  loadOlder(id: string): void

  /** Changes what stands in the composer. */
  draft(id: string, change: Partial<Draft>): void
  /** Sends what stands in the composer, as a reply or a note. */
  send(id: string): void
  retry(clientId: string): void
  /** Takes a message that failed back into the composer. */
  edit(clientId: string): void
  typed(id: string): void
  /** Everything in the open conversation is before the agent's eyes. */
  seen(id: string): void

  /** Assigns to oneself or, with false, to nobody. */
  assign(id: string, toMe: boolean): void
  close(id: string): void
  closeAndNext(id: string): void
  reopen(id: string): void

  settings(change: Partial<Settings>): void
  overlay(overlay: Overlay): void
  dismiss(toastId: number): void
  /** What chat-server finds wrong with itself; for owners. */
  health(language: Language): Promise<Health>
  /** Tries now instead of later: the agent logged in again, the network is back. */
  tryNow(): void
}

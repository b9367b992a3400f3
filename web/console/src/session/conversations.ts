/**
 * Which conversation is on the screen, which others are kept at hand, and what is live in them.
 * Knows joining, leaving, reading and typing; the inside of one is `conversation.ts`.
 */

import { Refused } from '@kefu/client'
import type { InboxRow, Typing as TypingEvent } from '@kefu/protocol'
import { patchRow, putRow } from '../state/inbox.ts'
import {
  type ConsoleState,
  LOADING_THREAD,
  mayAct,
  type Thread,
  type Typing,
  type TypingPerson,
} from '../state/state.ts'
import type { Store } from '../state/store.ts'
import type { AgentConnection } from './connection.ts'
import { OpenedConversation } from './conversation.ts'

/** Conversations kept in memory after the agent left them, to be shown at once when they come back. */
export const KEPT_CONVERSATIONS_MAX = 20
/** Who says nothing more for so long has stopped typing. */
export const TYPING_FORGOTTEN_MS = 8_000
/** While an agent types, the server hears of it this often. */
const TYPING_TOLD_EVERY_MS = 3_000
const TYPING_STOPPED_AFTER_MS = 4_000

export class Conversations {
  readonly #store: Store<ConsoleState>
  readonly #connection: AgentConnection
  readonly #opened = new Map<string, OpenedConversation>()
  readonly #typingTimers = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #detach: (() => void)[]
  #toldTypingAt = 0
  #stopTyping: ReturnType<typeof setTimeout> | undefined

  constructor(store: Store<ConsoleState>, connection: AgentConnection) {
    this.#store = store
    this.#connection = connection
    const { link } = connection
    this.#detach = [
      link.on('message_new', (message) => {
        this.#opened.get(message.conversationId)?.message(message)
        if (message.senderType === 'visitor') this.#setVisitorTyping(message.conversationId, null)
      }),
      link.on('note_new', (note) => this.#opened.get(note.conversationId)?.note(note)),
      link.on('typing', (typing) => this.#heardTyping(typing)),
    ]
  }

  stop(): void {
    for (const timer of this.#typingTimers.values()) clearTimeout(timer)
    clearTimeout(this.#stopTyping)
    for (const detach of this.#detach) detach()
  }

  open(id: string | null): void {
    const before = this.#store.get().openId
    if (before === id) return
    if (before) this.#leave(before)
    this.#store.update((state) => ({ ...state, openId: id }))
    if (id) void this.#enter(id)
  }

  /** After a reconnect the server knows of no join: the open conversation joins again and gets what it missed. */
  rejoin(): void {
    const { openId } = this.#store.get()
    if (openId) void this.#join(this.#hold(openId))
  }

  announce(row: InboxRow): void {
    if (this.#store.get().openId === row.conversationId) this.#opened.get(row.conversationId)?.announce(row)
  }

  /** What this client itself has just sent, before the server's echo. */
  get(id: string): OpenedConversation | undefined {
    return this.#opened.get(id)
  }

  loadOlder(id: string): void {
    void this.#opened.get(id)?.loadOlder()
  }

  seen(id: string): void {
    const state = this.#store.get()
    const row = state.inbox.rows.get(id)
    const top = this.#opened.get(id)?.top ?? 0
    if (!row || !mayAct(state) || top === 0 || (row.agentReadSeq >= top && row.unread === 0)) return
    if (!this.#connection.link.tell('admin_read', { conversationId: id, seq: top })) return
    const read = { unread: 0, agentReadSeq: top }
    this.#store.update((now) => ({ ...now, inbox: patchRow(now.inbox, id, read, now.me?.adminId ?? null) }))
  }

  typed(id: string): void {
    if (!mayAct(this.#store.get())) return
    if (Date.now() - this.#toldTypingAt >= TYPING_TOLD_EVERY_MS) {
      this.#toldTypingAt = Date.now()
      this.#connection.link.tell('admin_typing', { conversationId: id, typing: true })
    }
    clearTimeout(this.#stopTyping)
    this.#stopTyping = setTimeout(() => this.stoppedTyping(id), TYPING_STOPPED_AFTER_MS)
  }

  stoppedTyping(id: string): void {
    clearTimeout(this.#stopTyping)
    if (this.#toldTypingAt === 0) return
    this.#toldTypingAt = 0
    this.#connection.link.tell('admin_typing', { conversationId: id, typing: false })
  }

  async #enter(id: string): Promise<void> {
    const row = this.#store.get().inbox.rows.get(id)
    const unreadAfter = row && row.unread > 0 ? row.agentReadSeq : null
    this.#showThread(id, { unreadAfter })
    await this.#join(this.#hold(id))
  }

  #leave(id: string): void {
    this.stoppedTyping(id)
    this.#opened.get(id)?.leave()
  }

  async #join(conversation: OpenedConversation): Promise<void> {
    if (!this.#connection.isAuthed) return // The authentication that is to come joins.
    const { id } = conversation
    try {
      await conversation.join((row) => this.#putRow(row))
      // The agent went on while the join was under way: leave what nobody looks at.
      if (this.#store.get().openId !== id) conversation.leave()
    } catch (error) {
      if (!(error instanceof Refused)) return // Unanswered: the reconnect joins again.
      this.#connection.notice(error.code)
      if (this.#store.get().threads.get(id)?.state === 'loading')
        this.#showThread(id, { state: 'failed', error: error.code })
    }
  }

  #putRow(row: InboxRow): void {
    const keep = new Set([row.conversationId])
    this.#store.update((state) => ({ ...state, inbox: putRow(state.inbox, row, state.me?.adminId ?? null, keep) }))
  }

  /** The conversation with this id, the last used at the end; the one unused for longest goes. */
  #hold(id: string): OpenedConversation {
    const held =
      this.#opened.get(id) ?? new OpenedConversation(id, this.#connection, (change) => this.#showThread(id, change))
    this.#opened.delete(id)
    this.#opened.set(id, held)
    for (const [oldest] of this.#opened) {
      if (this.#opened.size <= KEPT_CONVERSATIONS_MAX) break
      this.#forget(oldest)
    }
    return held
  }

  #forget(id: string): void {
    this.#opened.delete(id)
    this.#store.update((state) => {
      const threads = new Map(state.threads)
      threads.delete(id)
      return { ...state, threads }
    })
  }

  #showThread(id: string, change: Partial<Thread>): void {
    this.#store.update((state) => {
      const thread = { ...(state.threads.get(id) ?? LOADING_THREAD), ...change }
      return { ...state, threads: new Map(state.threads).set(id, thread) }
    })
  }

  #heardTyping({ conversationId, senderType, typing, author, adminId, draft }: TypingEvent): void {
    const person: TypingPerson | null = typing ? { name: author?.name ?? null, draft } : null
    if (senderType === 'visitor') this.#setVisitorTyping(conversationId, person)
    if (senderType === 'admin' && adminId && adminId !== this.#store.get().me?.adminId) {
      this.#setTyping(conversationId, adminId, person)
    }
  }

  #setVisitorTyping(id: string, person: TypingPerson | null): void {
    this.#setTyping(id, null, person)
  }

  #setTyping(id: string, adminId: string | null, person: TypingPerson | null): void {
    const key = `${id} ${adminId ?? ''}`
    clearTimeout(this.#typingTimers.get(key))
    this.#typingTimers.delete(key)
    if (person)
      this.#typingTimers.set(
        key,
        setTimeout(() => this.#setTyping(id, adminId, null), TYPING_FORGOTTEN_MS),
      )
    this.#store.update((state) => ({ ...state, typing: withTyping(state.typing, id, adminId, person) }))
  }
}

function withTyping(all: ReadonlyMap<string, Typing>, id: string, adminId: string | null, person: TypingPerson | null) {
  const held = all.get(id) ?? { visitor: null, agents: new Map() }
  const agents = new Map(held.agents)
  if (adminId !== null && person) agents.set(adminId, person)
  else if (adminId !== null) agents.delete(adminId)
  const typing = { visitor: adminId === null ? person : held.visitor, agents }
  const next = new Map(all)
  if (typing.visitor || agents.size > 0) next.set(id, typing)
  else if (!next.delete(id)) return all
  return next
}

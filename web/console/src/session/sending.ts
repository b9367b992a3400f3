/**
 * What the agent writes, from the composer to the server: drafts, the outbox, and the honest state of each message.
 * Knows the texts; what comes back as `message_new` is `conversations.ts`.
 */

import { Outbox, type OutboxItem, openStore, Refused } from '@kefu/client'
import type { Message, MessageAck, Note, NoteAck } from '@kefu/protocol'
import { type Draft, EMPTY_DRAFT, loadDrafts, putDraft, saveDrafts } from '../state/drafts.ts'
import { type ConsoleState, mayAct } from '../state/state.ts'
import type { Store } from '../state/store.ts'
import type { Outgoing } from '../state/thread.ts'
import type { AgentConnection } from './connection.ts'
import type { Conversations } from './conversations.ts'

export interface Written {
  conversationId: string
  kind: 'reply' | 'note'
  text: string
  quickReplies: readonly string[]
}

type WrittenAck = MessageAck | NoteAck
type Item = OutboxItem<Written>

/** Drafts are written to the browser's storage when the agent pauses for this long. */
const SAVE_DRAFTS_AFTER_MS = 400
const STORE_NAME = 'kefu_console'

export class Sending {
  readonly #store: Store<ConsoleState>
  readonly #connection: AgentConnection
  readonly #conversations: Conversations
  readonly #storage: Storage | null
  readonly #detach: () => void
  #outbox: Outbox<Written, WrittenAck> | null = null
  #owner: string | null = null
  #saveTimer: ReturnType<typeof setTimeout> | undefined

  constructor(
    store: Store<ConsoleState>,
    connection: AgentConnection,
    conversations: Conversations,
    storage: Storage | null,
  ) {
    this.#store = store
    this.#connection = connection
    this.#conversations = conversations
    this.#storage = storage
    this.#detach = connection.link.on('message_new', ({ clientId }) => {
      if (clientId) this.#outbox?.settle(clientId)
    })
  }

  stop(): void {
    this.#detach()
    this.#outbox?.stop()
    this.saveNow()
  }

  /** The agent is known: their drafts and unsent messages of earlier come back, and what waits goes out. */
  async authed(adminId: string): Promise<void> {
    if (this.#owner === adminId) {
      this.#outbox?.pump()
      return
    }
    this.#owner = adminId
    this.#outbox?.stop()
    this.#outbox = null
    const drafts = loadDrafts(this.#storage, adminId)
    this.#store.update((state) => ({ ...state, drafts: new Map([...drafts, ...state.drafts]) }))
    const items = await openStore<Written>(`${STORE_NAME}:${adminId}`)
    if (this.#owner !== adminId) return
    this.#outbox = this.#makeOutbox(items)
    await this.#outbox.load()
  }

  draft(id: string, change: Partial<Draft>): void {
    this.#store.update((state) => {
      const draft = { ...(state.drafts.get(id) ?? EMPTY_DRAFT), ...change }
      return { ...state, drafts: putDraft(state.drafts, id, draft) }
    })
    clearTimeout(this.#saveTimer)
    this.#saveTimer = setTimeout(() => this.saveNow(), SAVE_DRAFTS_AFTER_MS)
  }

  saveNow(): void {
    clearTimeout(this.#saveTimer)
    if (this.#owner) saveDrafts(this.#storage, this.#owner, this.#store.get().drafts)
  }

  /** Hands the composer's text to the outbox; only when it is safe there does it leave the composer. */
  async send(id: string): Promise<void> {
    const state = this.#store.get()
    const draft = state.drafts.get(id)
    const text = draft?.text.trim()
    if (!draft || !text || !this.#outbox || !mayAct(state)) return
    const { mode: kind, quickReplies } = draft
    this.draft(id, { text: '', quickReplies: [] })
    try {
      await this.#outbox.add({ conversationId: id, kind, text, quickReplies: kind === 'reply' ? quickReplies : [] }, id)
    } catch {
      this.draft(id, draft)
    }
    this.saveNow()
  }

  retry(clientId: string): void {
    void this.#outbox?.retry(clientId)
  }

  edit(clientId: string): void {
    const item = this.#outbox?.discard(clientId)
    if (!item) return
    const { conversationId, kind, text, quickReplies } = item.payload
    const held = this.#store.get().drafts.get(conversationId)?.text ?? ''
    this.draft(conversationId, { text: held.trim() ? `${text}\n${held}` : text, mode: kind, quickReplies })
  }

  #makeOutbox(store: Awaited<ReturnType<typeof openStore<Written>>>): Outbox<Written, WrittenAck> {
    const outbox = new Outbox<Written, WrittenAck>({
      store,
      deliver: (item) => this.#deliver(item),
      canSend: () => this.#connection.isAuthed,
      // Anything that is always answered: it shows whether the connection still works both ways.
      onUnanswered: () => {
        const probe = this.#connection.link.request('admin_inbox', { limit: 1 })
        probe.then(() => outbox.witness()).catch((error) => error instanceof Refused && outbox.witness())
      },
    })
    outbox.on('change', () => this.#show(outbox.items))
    outbox.on('sent', ({ item, ack }) => this.#sent(item, ack))
    return outbox
  }

  async #deliver({ clientId, payload }: Item): Promise<WrittenAck> {
    const { conversationId, kind, text: bodyText, quickReplies } = payload
    const { link } = this.#connection
    try {
      if (kind === 'note') return await link.request('admin_note', { conversationId, bodyText, clientId })
      const buttons = quickReplies.length > 0 ? { quickReplies: [...quickReplies] } : {}
      return await link.request('admin_message', { conversationId, bodyText, clientId, ...buttons })
    } catch (error) {
      if (error instanceof Refused) this.#connection.notice(error.code)
      throw error
    }
  }

  /** Puts the confirmed line into its place before its bubble leaves the outbox, so that nothing flickers. */
  #sent(item: Item, ack: WrittenAck): void {
    const conversation = this.#conversations.get(item.payload.conversationId)
    if (!conversation) return
    if ('noteSeq' in ack) conversation.note(this.#asNote(item, ack, conversation.top))
    else conversation.message(this.#asMessage(item, ack))
  }

  #asMessage({ clientId, payload }: Item, ack: MessageAck): Message {
    const { me } = this.#store.get()
    const { quickReplies } = payload
    return {
      id: ack.id,
      conversationId: ack.conversationId,
      seq: ack.seq,
      senderType: 'admin',
      adminId: me?.adminId ?? null,
      author: me?.name ? { name: me.name, avatarUrl: null } : null,
      bodyText: payload.text,
      metadataJson: quickReplies.length > 0 ? JSON.stringify({ quickReplies }) : null,
      createdAt: ack.createdAt,
      clientId,
    }
  }

  #asNote({ clientId, payload }: Item, ack: NoteAck, afterSeq: number): Note {
    const { me } = this.#store.get()
    return {
      id: ack.id,
      conversationId: ack.conversationId,
      noteSeq: ack.noteSeq,
      afterSeq,
      adminId: me?.adminId ?? null,
      bodyText: payload.text,
      createdAt: ack.createdAt,
      author: me?.name ? { name: me.name, avatarUrl: null } : null,
      clientId,
    }
  }

  #show(items: readonly Item[]): void {
    const outgoing = new Map<string, Outgoing[]>()
    for (const item of items) {
      const { conversationId } = item.payload
      outgoing.set(conversationId, [...(outgoing.get(conversationId) ?? []), asOutgoing(item)])
    }
    this.#store.update((state) => ({ ...state, outgoing }))
  }
}

function asOutgoing(item: Item): Outgoing {
  const { kind, text, quickReplies } = item.payload
  return {
    clientId: item.clientId,
    kind,
    text,
    quickReplies,
    state: item.status,
    error: item.failure ?? null,
    createdAt: new Date(item.order).toISOString(),
  }
}

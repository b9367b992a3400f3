// A visitor's side of one conversation: hello, resume, sending, reading, typing. Joins link, outbox, timeline and catch-up.
// Knows the visitor's events; knows no DOM and no storage key: what must outlive the page comes in as `memory` and `store`.
import type {
  Author,
  ErrorEvent,
  Message,
  MessageAck,
  VisitorHello,
  VisitorHelloAck,
  VisitorSide,
} from '@kefu/protocol'
import { CatchUp } from './catchup.ts'
import { type Detach, Emitter } from './emitter.ts'
import { Refused } from './errors.ts'
import { uuid } from './ids.ts'
import { Link, type LinkOptions, type LinkState } from './link.ts'
import { Outbox, type OutboxItem, type OutboxStore, waitAfterRefusal } from './outbox.ts'
import { Timeline } from './timeline.ts'

export const HELLO_RETRY_MS = 3_000
/** Somebody who typed and then fell silent without a word counts as typing this long. */
export const TYPING_SHOWN_MS = 6_000
export const TYPING_SENT_EVERY_MS = 3_000
/** A closed or vanished conversation gives way to a new one; more tries than this means that it does not. */
export const MOVE_TRIES_MAX = 5
const MOVE_WAIT_MS = 300
export const OLDER_PAGE_MESSAGES = 50

/** What proves who this visitor is, kept by the page between visits. */
export interface VisitorCredentials {
  sessionId: string
  visitorToken: string | null
}

export interface VisitorMemory {
  load(): VisitorCredentials | null
  save(credentials: VisitorCredentials): void
}

export interface VisitorPayload {
  bodyText: string
}

export type VisitorItem = OutboxItem<VisitorPayload>

export interface VisitorOptions {
  base: string
  memory: VisitorMemory
  store: OutboxStore<VisitorPayload>
  /** Whether this tab is the one that sends; call `outbox.pump()` when that changes. */
  isElected: () => boolean
  /** What hello says about the page and the person, asked for at each connect. */
  about: () => Partial<VisitorHello>
  open?: LinkOptions['open']
}

export interface VisitorEvents {
  change: undefined
  /** A message of the other side came that was not known here, live or after a reconnect; never history. */
  received: Message
  sent: MessageAck & { clientId: string }
  failed: VisitorItem
  conversation: string
  error: ErrorEvent
}

export class Visitor extends Emitter<VisitorEvents> {
  readonly link: Link<VisitorSide>
  readonly timeline = new Timeline()
  readonly outbox: Outbox<VisitorPayload, MessageAck>
  readonly #options: VisitorOptions
  readonly #catchUp: CatchUp
  readonly #detach: Detach[]
  #greeted = false
  #everGreeted = false
  #helloTimer: ReturnType<typeof setTimeout> | undefined
  #typingTimer: ReturnType<typeof setTimeout> | undefined
  #typingSentAt = 0
  /** What the server gave for this connection's hello. */
  #token: string | null = null

  status: 'open' | 'closed' | null = null
  agent: Author | null = null
  agentReadSeq = 0
  visitorReadSeq = 0
  typing: Author | null = null

  constructor(options: VisitorOptions) {
    super()
    this.#options = options
    this.link = new Link({ base: options.base, path: '/ws-visitor', ...(options.open && { open: options.open }) })
    this.#catchUp = new CatchUp({
      timeline: this.timeline,
      ask: async (place) => this.#answered(await this.link.request('visitor_sync', { ...this.#where(), ...place })),
      onFilled: (messages) => this.#take(messages),
    })
    this.outbox = new Outbox<VisitorPayload, MessageAck>({
      store: options.store,
      canSend: () => this.#greeted && options.isElected(),
      deliver: async ({ payload, clientId }) => {
        await this.refresh()
        return this.link.request('visitor_message', { ...this.#where(), ...payload, clientId })
      },
      wait: (refused, tries) => this.#waitAfter(refused, tries),
      onUnanswered: () => void this.#catchUp.now(),
    })
    this.#detach = [...this.#listenToServer(), ...this.#listenToOutbox()]
  }

  /** Whether the server knows who we are on this connection. */
  get isReady(): boolean {
    return this.#greeted
  }

  /** Whether hello was answered at least once, so that an empty timeline means an empty conversation. */
  get hasHistory(): boolean {
    return this.#everGreeted
  }

  get linkState(): LinkState {
    return this.link.state
  }

  /** Messages of the other side that the visitor has not seen. */
  get unread(): number {
    return this.timeline.messages.filter(({ senderType, seq }) => senderType !== 'visitor' && seq > this.visitorReadSeq)
      .length
  }

  /** Connects; the visitor acted, or comes back to an open conversation. */
  start(): void {
    void this.outbox.load()
    this.link.connect()
  }

  stop(): void {
    for (const detach of this.#detach) detach()
    clearTimeout(this.#helloTimer)
    clearTimeout(this.#typingTimer)
    this.#catchUp.stop()
    this.outbox.stop()
    this.link.close()
  }

  /** Takes a text to send. Resolves when it is safe from a reload. */
  async send(bodyText: string): Promise<VisitorItem> {
    this.#typingSentAt = 0
    return this.outbox.add({ bodyText })
  }

  /** Tells the agent that the visitor types; calls as often as keys are hit are fine. */
  showTyping(isTyping: boolean): void {
    const due = Date.now() - this.#typingSentAt >= TYPING_SENT_EVERY_MS
    if (!this.#greeted || !this.timeline.conversationId || (isTyping ? !due : this.#typingSentAt === 0)) return
    this.#typingSentAt = isTyping ? Date.now() : 0
    this.link.tell('visitor_typing', { ...this.#where(), typing: isTyping })
  }

  /** The visitor sees everything that is held. */
  read(): void {
    const seq = this.timeline.place?.afterSeq ?? 0
    if (this.unread === 0 || seq <= this.visitorReadSeq || !this.#greeted) return
    if (!this.link.tell('visitor_read', { ...this.#where(), seq })) return
    this.visitorReadSeq = seq
    this.#change()
  }

  /** Asks for the page before the first message held; resolves to how many messages came. */
  async loadOlder(): Promise<number> {
    const [first] = this.timeline.messages
    if (!first || !this.timeline.hasOlder || !this.#greeted) return 0
    const ask = { ...this.#where(), beforeSeq: first.seq, limit: OLDER_PAGE_MESSAGES }
    const page = this.#answered(await this.link.request('visitor_sync', ask))
    const older = this.timeline.merge(page)
    this.#change()
    return older.length
  }

  /** Says hello again if another tab of this visitor was given other credentials: both must mean the same person. */
  async refresh(): Promise<void> {
    if (this.#greeted && this.#options.memory.load()?.visitorToken !== this.#token) await this.#hello()
  }

  /** Another tab wrote something: without a conversation of our own, ours may be there now. */
  async follow(): Promise<void> {
    await this.outbox.load()
    if (this.#greeted && !this.timeline.conversationId) await this.#hello()
    else await this.refresh()
  }

  // --- connecting --------------------------------------------------------------------------------------

  async #hello(): Promise<void> {
    clearTimeout(this.#helloTimer)
    const { place, conversationId, epoch } = this.timeline
    const resume = place && conversationId ? { ...place, epoch } : {}
    const asked = { ...this.#options.about(), ...this.#credentials(), ...resume, defer: true }
    try {
      const ack = this.#answered(await this.link.request('visitor_hello', asked))
      if (this.#credentials().visitorToken === asked.visitorToken) this.#greet(ack, place !== null)
      else await this.#hello() // another tab was faster: its token is ours
    } catch (error) {
      if (this.link.state !== 'online') return // the next connection says hello
      this.#helloTimer = setTimeout(() => void this.#hello(), this.#waitAfterHello(error))
    }
  }

  #credentials(): VisitorCredentials {
    const known = this.#options.memory.load()
    if (known) return known
    const fresh = { sessionId: `v_${uuid()}`, visitorToken: null }
    this.#options.memory.save(fresh)
    return fresh
  }

  #waitAfterHello(error: unknown): number {
    if (!(error instanceof Refused)) return HELLO_RETRY_MS
    if (error.code === 'UNAUTHORIZED' || error.code === 'FORBIDDEN' || error.code === 'INVALID_INPUT') {
      // These credentials open nothing any more. A new visitor can still write; what waits in the outbox is kept.
      this.#options.memory.save({ sessionId: `v_${uuid()}`, visitorToken: null })
    }
    return error.retryAfterMs ?? HELLO_RETRY_MS
  }

  #greet(ack: VisitorHelloAck, isResume: boolean): void {
    const { sessionId, visitorToken } = this.#credentials()
    this.#token = ack.visitorToken ?? visitorToken
    if (this.#token !== visitorToken) this.#options.memory.save({ sessionId, visitorToken: this.#token })
    this.status = ack.status
    if (ack.conversationId) this.#meet(ack.conversationId, ack)
    else this.timeline.open(null, '')
    this.agent = ack.agent ?? this.agent
    const news = ack.conversationId ? this.timeline.merge(ack) : []
    this.agentReadSeq = Math.max(this.agentReadSeq, ack.agentReadSeq)
    this.visitorReadSeq = Math.max(this.visitorReadSeq, ack.visitorReadSeq)
    this.#greeted = this.#everGreeted = true
    this.#take(news, isResume && !ack.reset)
    if (this.timeline.isBehind) void this.#catchUp.now()
    this.outbox.pump()
  }

  #meet(conversationId: string, { epoch, seq }: { epoch: string; seq: number }): void {
    const isNew = conversationId !== this.timeline.conversationId
    this.timeline.open(conversationId, epoch)
    this.timeline.announce(seq)
    if (!isNew) return
    this.agentReadSeq = this.visitorReadSeq = 0
    this.agent = null
    this.emit('conversation', conversationId)
  }

  // --- what the server says ----------------------------------------------------------------------------

  #listenToServer(): Detach[] {
    const { link } = this
    return [
      link.onState((state) => this.#connectionChanged(state)),
      link.on('message_new', (message) => this.#message(message)),
      link.on('conversation_open', (told) => {
        this.status = told.status
        this.#meet(told.conversationId, told)
        this.#behind()
      }),
      link.on('conversation_update', (told) => {
        if (told.conversationId !== this.timeline.conversationId) return
        this.status = told.status
        this.agent = told.agent
        this.timeline.announce(told.seq)
        this.#behind()
      }),
      link.on('read', ({ conversationId, senderType, seq }) => {
        if (conversationId !== this.timeline.conversationId) return
        if (senderType === 'admin') this.agentReadSeq = Math.max(this.agentReadSeq, seq)
        if (senderType === 'visitor') this.visitorReadSeq = Math.max(this.visitorReadSeq, seq)
        this.#change()
      }),
      link.on('typing', ({ senderType, typing, author }) => {
        if (senderType !== 'visitor') this.#showTyping(typing ? (author ?? { name: '', avatarUrl: null }) : null)
      }),
      link.on('error', (told) => this.emit('error', told)),
    ]
  }

  #connectionChanged(state: LinkState): void {
    clearTimeout(this.#helloTimer)
    this.#greeted = false
    this.typing = null
    if (state === 'online') void this.#hello()
    this.#change()
  }

  #message(message: Message): void {
    // The first message of a deferred conversation may come before anything that names the conversation.
    if (!this.timeline.conversationId) return
    const isNew = this.timeline.insert(message)
    if (message.senderType !== 'visitor') this.#showTyping(null)
    this.#take(isNew ? [message] : [])
    if (this.timeline.isBehind) void this.#catchUp.now()
  }

  #behind(): void {
    if (this.timeline.isBehind) this.#catchUp.soon()
    this.#change()
  }

  /** Messages entered the timeline: pair one's own, announce the others'. */
  #take(messages: Message[], announce = true): void {
    for (const message of messages) {
      if (message.clientId) this.outbox.settle(message.clientId)
      if (message.author && message.senderType === 'admin') this.agent = message.author
      if (announce && message.senderType !== 'visitor') this.emit('received', message)
    }
    this.#change()
  }

  #showTyping(author: Author | null): void {
    clearTimeout(this.#typingTimer)
    this.typing = author
    if (author) this.#typingTimer = setTimeout(() => this.#showTyping(null), TYPING_SHOWN_MS)
    this.#change()
  }

  // --- sending -----------------------------------------------------------------------------------------

  #listenToOutbox(): Detach[] {
    return [
      this.outbox.on('change', () => this.#change()),
      this.outbox.on('failed', (item) => this.emit('failed', item)),
      this.outbox.on('sent', ({ item, ack }) => this.#sent(item, ack)),
    ]
  }

  #sent({ clientId, payload }: VisitorItem, ack: MessageAck): void {
    if (!this.timeline.conversationId) this.#meet(ack.conversationId, { epoch: '', seq: ack.seq })
    this.status = 'open'
    // Until `message_new` brings the server's own wording, the message stands with what the ack says of it.
    this.timeline.insert({
      ...{ id: ack.id, conversationId: ack.conversationId, seq: ack.seq, createdAt: ack.createdAt, clientId },
      ...{ bodyText: payload.bodyText, senderType: 'visitor', adminId: null, author: null, metadataJson: null },
    })
    this.emit('sent', { ...ack, clientId })
    if (this.timeline.isBehind) this.#catchUp.soon()
    this.#change()
  }

  #waitAfter(refused: Refused, tries: number): number | null {
    const moved = refused.code === 'CONVERSATION_CLOSED' || refused.code === 'CONVERSATION_NOT_FOUND'
    // `conversation_open` names the new conversation before this answer or right after it; the same clientId goes there.
    if (moved) return tries < MOVE_TRIES_MAX ? MOVE_WAIT_MS * (tries + 1) : null
    return waitAfterRefusal(refused, tries)
  }

  #where(): { conversationId?: string } {
    const { conversationId } = this.timeline
    return conversationId ? { conversationId } : {}
  }

  #answered<Ack>(ack: Ack): Ack {
    this.outbox.witness()
    return ack
  }

  #change(): void {
    this.emit('change', undefined)
  }
}

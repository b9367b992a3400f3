// The messages of one conversation as far as this client holds them: ordered by seq, each once, holes known.
// Pure state: asks nobody and draws nothing. Agents and visitors use the same class.
import type { Message } from '@kefu/protocol'

/** A page of messages as `*_sync`, hello and join answer it; oldest first. */
export interface Page {
  messages: readonly Message[]
  /** Top seq of the conversation on the server. */
  seq: number
  epoch: string
  /** What is held does not belong here any more: this is the newest page instead. */
  reset?: boolean
}

/** Where a client stands: it holds everything from its first message up to this one. */
export interface Place {
  afterSeq: number
  afterId: string
}

export class Timeline {
  #messages: Message[] = []
  #conversationId: string | null = null
  #epoch = ''
  #top = 0

  get conversationId(): string | null {
    return this.#conversationId
  }

  get epoch(): string {
    return this.#epoch
  }

  /** Every message held, by seq. A hole may be inside while it is being filled. */
  get messages(): readonly Message[] {
    return this.#messages
  }

  /** The highest seq known to exist, held or not; 0 when the conversation is empty. */
  get top(): number {
    return this.#top
  }

  /** The end of the unbroken run; null while nothing is held. */
  get place(): Place | null {
    const end = this.#messages[this.#runLength() - 1]
    return end ? { afterSeq: end.seq, afterId: end.id } : null
  }

  /** Whether messages are known to exist after the unbroken run. */
  get isBehind(): boolean {
    return (this.place?.afterSeq ?? 0) < this.#top
  }

  /** Whether there are messages before the first one held. */
  get hasOlder(): boolean {
    return (this.#messages[0]?.seq ?? 1) > 1
  }

  /** Follows a conversation from now on; what belonged to another one, or to another epoch, is dropped. */
  open(conversationId: string | null, epoch: string): void {
    const isSame = this.#conversationId === conversationId && this.#agrees(epoch)
    this.#conversationId = conversationId
    this.#epoch = epoch
    if (!isSame) this.#clear()
  }

  /** A message came. Returns whether it is new here; a known seq is replaced by what the server says now. */
  insert(message: Message): boolean {
    if (message.conversationId !== this.#conversationId) return false
    this.announce(message.seq)
    let at = this.#messages.length
    while (at > 0 && (this.#messages[at - 1] as Message).seq > message.seq) at--
    const known = this.#messages[at - 1]?.seq === message.seq
    this.#messages = known ? this.#messages.with(at - 1, message) : this.#messages.toSpliced(at, 0, message)
    return !known
  }

  /** The server says that messages up to `seq` exist. */
  announce(seq: number): void {
    this.#top = Math.max(this.#top, seq)
  }

  /** Takes a page in. Returns the messages that are new here, oldest first. */
  merge(page: Page): Message[] {
    if (page.reset || !this.#agrees(page.epoch)) this.#clear()
    this.#epoch = page.epoch
    this.announce(page.seq)
    return page.messages.filter((message) => this.insert(message))
  }

  /** An empty epoch is one that nobody has told yet. */
  #agrees(epoch: string): boolean {
    return this.#epoch === '' || epoch === this.#epoch
  }

  #clear(): void {
    this.#messages = []
    this.#top = 0
  }

  #runLength(): number {
    const broken = this.#messages.findIndex((message, at) => at > 0 && message.seq !== this.#seqBefore(at) + 1)
    return broken < 0 ? this.#messages.length : broken
  }

  #seqBefore(at: number): number {
    return (this.#messages[at - 1] as Message).seq
  }
}

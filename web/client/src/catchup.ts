// Fills what a timeline lacks: asks for the messages after its place until it is no longer behind, one question at a time.
// Which event asks is the caller's: `visitor_sync` or `admin_sync`.
import type { Message } from '@kefu/protocol'
import { backoffMs } from './backoff.ts'
import { Refused } from './errors.ts'
import type { Page, Timeline } from './timeline.ts'

/** An announcement often runs ahead of its message; the question waits this long for it. */
export const ANNOUNCED_WAIT_MS = 250

export interface CatchUpOptions {
  timeline: Timeline
  /** Asks the server for what comes after a place; `{afterSeq: 0}` from the start. Rejects as `Link.request` does. */
  ask: (place: { afterSeq: number; afterId?: string }) => Promise<Page>
  /** Messages that were missing came, or the timeline was reset. */
  onFilled: (messages: Message[], reset: boolean) => void
}

export class CatchUp {
  readonly #options: CatchUpOptions
  #running: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #refusals = 0

  constructor(options: CatchUpOptions) {
    this.#options = options
  }

  /** Asks at once; joins a question that is already under way. Never rejects: without an answer the next call asks again. */
  now(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running ??= this.#fill().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Asks shortly, if the timeline is still behind then. */
  soon(delayMs = ANNOUNCED_WAIT_MS): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#options.timeline.isBehind) void this.now()
    }, delayMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #fill(): Promise<void> {
    const { timeline } = this.#options
    try {
      do {
        const { conversationId } = timeline
        const before = timeline.place
        const page = await this.#options.ask(before ?? { afterSeq: 0 })
        if (timeline.conversationId !== conversationId) return // answered for a conversation that was left meanwhile
        this.#refusals = 0
        const reset = page.reset === true || !(timeline.epoch === '' || page.epoch === timeline.epoch)
        const filled = timeline.merge(page)
        if (filled.length > 0 || reset) this.#options.onFilled(filled, reset)
        if (!reset && timeline.place?.afterSeq === before?.afterSeq) return // no progress: do not ask for ever
      } while (timeline.isBehind)
    } catch (error) {
      // Unanswered: the reconnect asks. Refused: later, when the server allows it.
      if (error instanceof Refused && error.code !== 'FORBIDDEN' && error.code !== 'CONVERSATION_NOT_FOUND') {
        this.soon(error.retryAfterMs ?? backoffMs(this.#refusals++))
      }
    }
  }
}

// Messages on their way: kept in a store until the server has them, sent in order, the same clientId at every try.
// Knows nothing of events or conversations: `deliver` sends one item, `lane` says which items must keep their order.
import { BACKOFF_MIN_MS, backoffMs } from './backoff.ts'
import { Emitter } from './emitter.ts'
import { Refused, Unanswered } from './errors.ts'
import { uuid } from './ids.ts'

/** Tries without an answer, each while the server answered something else, after which an item is given up. */
export const UNANSWERED_MAX = 3

export interface OutboxItem<Payload> {
  clientId: string
  /** Items of one lane go one after the other; lanes do not wait for each other. */
  lane: string
  payload: Payload
  /** Place in the queue: milliseconds since 1970, made unique within this tab. */
  order: number
  status: 'queued' | 'sending' | 'failed'
  /** Why it failed, for the person; absent otherwise. */
  failure?: string
}

/** Where items outlive the page. Every call may reject; the outbox then goes on in memory. */
export interface OutboxStore<Payload> {
  all(): Promise<OutboxItem<Payload>[]>
  put(item: OutboxItem<Payload>): Promise<void>
  remove(clientId: string): Promise<void>
}

export interface OutboxOptions<Payload, Ack> {
  store: OutboxStore<Payload>
  /** Sends one item. Rejects with Refused or Unanswered. */
  deliver: (item: OutboxItem<Payload>) => Promise<Ack>
  /** Whether sending makes sense now: connected, greeted, and the one tab that sends. Call `pump` when it turns true. */
  canSend: () => boolean
  /** Milliseconds to wait before a refused item goes again, null to give it up. Default: `waitAfterRefusal`. */
  wait?: (refused: Refused, tries: number) => number | null
  /** An item went unanswered on a living connection: ask the server for anything, to learn whether it answers at all. */
  onUnanswered?: () => void
}

export interface OutboxEvents<Payload, Ack> {
  /** The list or a status changed; `stored` when other tabs should look into the store. */
  change: { stored: boolean }
  sent: { item: OutboxItem<Payload>; ack: Ack }
  failed: OutboxItem<Payload>
}

/** The default answer to a refusal: wait when the server is busy or the login is old, give up on anything else. */
export function waitAfterRefusal(refused: Refused, tries: number): number | null {
  switch (refused.code) {
    case 'UNAVAILABLE':
    case 'RATE_LIMITED':
    case 'COOLDOWN':
    case 'UNAUTHORIZED':
    case 'TOKEN_EXPIRED':
      return refused.retryAfterMs ?? backoffMs(tries)
    default:
      return null
  }
}

interface Trial {
  tries: number
  unanswered: number
  /** How many answers of any kind had come when this item last went unanswered. */
  answersThen: number
}

export class Outbox<Payload, Ack> extends Emitter<OutboxEvents<Payload, Ack>> {
  readonly #options: OutboxOptions<Payload, Ack>
  readonly #trials = new Map<string, Trial>()
  readonly #busyLanes = new Set<string>()
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()
  #items: OutboxItem<Payload>[] = []
  #storing: Promise<unknown> = Promise.resolve()
  #answers = 0
  #order = 0

  constructor(options: OutboxOptions<Payload, Ack>) {
    super()
    this.#options = options
  }

  /** What has not reached the server yet, oldest first. */
  get items(): readonly OutboxItem<Payload>[] {
    return this.#items
  }

  /** Takes a message in. Resolves when it is stored: only then may its text leave the box where it was written. */
  async add(payload: Payload, lane = ''): Promise<OutboxItem<Payload>> {
    this.#order = Math.max(Date.now(), this.#order + 1)
    const item: OutboxItem<Payload> = { clientId: uuid(), lane, payload, order: this.#order, status: 'queued' }
    await this.#store(() => this.#options.store.put(item))
    this.#items = [...this.#items, item]
    this.#changed(true)
    this.pump()
    return item
  }

  /** Looks into the store: what other tabs added appears, what they sent or discarded goes. */
  async load(): Promise<void> {
    const stored = await this.#store(() => this.#options.store.all())
    if (!stored) return
    const held = new Map(this.#items.map((item) => [item.clientId, item]))
    this.#items = stored
      .map((item) => {
        const mine = held.get(item.clientId)
        return mine?.status === 'sending' ? mine : item
      })
      .sort((a, b) => a.order - b.order)
    this.#changed(false)
    this.pump()
  }

  /** Sends whatever may go now. Cheap to call at any change of connection or election. */
  pump(): void {
    if (!this.#options.canSend()) return
    for (const item of this.#items) {
      if (item.status === 'queued' && !this.#busyLanes.has(item.lane) && !this.#timers.has(item.lane)) {
        void this.#try(item)
      }
    }
  }

  /** The server answered something, anything: the connection works both ways. */
  witness(): void {
    this.#answers++
  }

  /** The message came back by another way than its ack (a history, another tab): it is safe. */
  settle(clientId: string): void {
    if (this.#items.some((item) => item.clientId === clientId)) this.#drop(clientId)
  }

  /** Sends a failed message again, under the same clientId. */
  async retry(clientId: string): Promise<void> {
    const item = this.#items.find((one) => one.clientId === clientId)
    if (item?.status !== 'failed') return
    this.#trials.delete(clientId)
    const { failure: _, ...rest } = item
    const again: OutboxItem<Payload> = { ...rest, status: 'queued' }
    this.#replace(again)
    await this.#store(() => this.#options.store.put(again))
    this.#changed(true)
    this.pump()
  }

  /** Takes a message out that is not being sent; returns it, so that its text can be edited. */
  discard(clientId: string): OutboxItem<Payload> | undefined {
    const item = this.#items.find((one) => one.clientId === clientId && one.status !== 'sending')
    if (item) this.#drop(clientId)
    return item
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  async #try(queued: OutboxItem<Payload>): Promise<void> {
    const item: OutboxItem<Payload> = { ...queued, status: 'sending' }
    const { clientId, lane } = item
    const trial = this.#trials.get(clientId) ?? { tries: 0, unanswered: 0, answersThen: -1 }
    this.#trials.set(clientId, trial)
    this.#busyLanes.add(lane)
    this.#replace(item)
    this.#changed(false)
    try {
      const ack = await this.#options.deliver(item)
      this.witness()
      this.emit('sent', { item, ack })
      this.#drop(clientId)
    } catch (error) {
      this.#undelivered(item, trial, error)
    } finally {
      this.#busyLanes.delete(lane)
    }
    this.pump()
  }

  #undelivered(item: OutboxItem<Payload>, trial: Trial, error: unknown): void {
    if (!this.#items.some((one) => one.clientId === item.clientId)) return // settled meanwhile
    const waitMs = error instanceof Unanswered ? this.#waitForAnswer(trial, error) : this.#waitAfter(trial, error)
    if (waitMs === null) {
      this.#fail(item, error instanceof Refused ? error.code : 'UNANSWERED')
      return
    }
    this.#replace({ ...item, status: 'queued' })
    if (waitMs > 0) this.#pause(item.lane, waitMs)
    this.#changed(false)
  }

  #waitForAnswer(trial: Trial, error: Unanswered): number | null {
    if (!error.sent) return BACKOFF_MIN_MS // the connection went between asking `canSend` and sending
    if (this.#answers > trial.answersThen) trial.unanswered++
    trial.answersThen = this.#answers
    if (trial.unanswered >= UNANSWERED_MAX) return null
    this.#options.onUnanswered?.()
    return backoffMs(trial.tries++)
  }

  #waitAfter(trial: Trial, error: unknown): number | null {
    this.witness()
    if (!(error instanceof Refused)) return null
    return (this.#options.wait ?? waitAfterRefusal)(error, trial.tries++)
  }

  #fail(item: OutboxItem<Payload>, failure: string): void {
    const failed: OutboxItem<Payload> = { ...item, status: 'failed', failure }
    this.#replace(failed)
    void this.#store(() => this.#options.store.put(failed)).then(() => this.#changed(true))
    this.emit('failed', failed)
  }

  #pause(lane: string, waitMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(lane)
      this.pump()
    }, waitMs)
    this.#timers.set(lane, timer)
  }

  #drop(clientId: string): void {
    this.#trials.delete(clientId)
    this.#items = this.#items.filter((item) => item.clientId !== clientId)
    this.#changed(false)
    void this.#store(() => this.#options.store.remove(clientId)).then(() => this.#changed(true))
  }

  #replace(item: OutboxItem<Payload>): void {
    this.#items = this.#items.map((one) => (one.clientId === item.clientId ? item : one))
  }

  #changed(stored: boolean): void {
    this.emit('change', { stored })
  }

  /** One store operation after the other; a store that fails costs the survival of a reload, nothing else. */
  #store<Result>(operation: () => Promise<Result>): Promise<Result | undefined> {
    const done = this.#storing.then(operation).catch(() => undefined)
    this.#storing = done
    return done
  }
}

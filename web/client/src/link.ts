// One connection to chat-server that comes back by itself: the official Socket.IO client, typed by the wire contract.
// Knows connecting, waiting and acks; knows no event by name but `server_restart`, and nothing of the DOM.
import type { Answer, ClientTable, Side } from '@kefu/protocol'
import { io } from 'socket.io-client'
import { backoffMs } from './backoff.ts'
import { type Detach, Emitter } from './emitter.ts'
import { Refused, Unanswered } from './errors.ts'

export const ANSWER_WAIT_MS_MAX = 10_000
export const CONNECT_WAIT_MS_MAX = 8_000
/** A connection that lived shorter counts as one more failed try, or a broken server would be tried without pause. */
export const STABLE_AFTER_MS = 5_000

/** `idle` before `connect` and after `close`; `refused` when the server said no to CONNECT (see `onRefused`). */
export type LinkState = 'idle' | 'connecting' | 'online' | 'waiting' | 'refused'

/** What of Socket.IO's client a link uses; tests put their own in its place. */
export interface SocketLike {
  readonly connected: boolean
  /** False once the server refused CONNECT: this is how Socket.IO tells a refusal from a failed transport. */
  readonly active: boolean
  connect(): unknown
  disconnect(): unknown
  on(event: string, listener: (...args: never[]) => void): unknown
  off(event: string, listener: (...args: never[]) => void): unknown
  emit(event: string, payload: unknown): unknown
  timeout(ms: number): { emitWithAck(event: string, payload: unknown): Promise<unknown> }
  readonly io?: { opts: { transports?: unknown } }
}

export interface LinkOptions {
  /** Base URL of chat-server, with the path prefix that a proxy may have put before it. */
  base: string
  /** `/ws-visitor` or `/ws-admin`. */
  path: string
  /** Payload of CONNECT, asked for anew at each connect. */
  auth?: () => Promise<object> | object
  /** The server refused CONNECT: get a new token and call `connect`, or tell the person. Without it the link tries on. */
  onRefused?: (error: Error & { data?: unknown }) => void
  /** Makes the socket; the official client by default. */
  open?: (origin: string, options: object) => SocketLike
  random?: () => number
}

type Sent<S extends Side, Event extends keyof S['sent']> = S['sent'][Event] extends ClientTable[string]
  ? S['sent'][Event]
  : never

export class Link<S extends Side> {
  readonly #options: LinkOptions
  readonly #socket: SocketLike
  readonly #states = new Emitter<{ state: LinkState }>()
  #state: LinkState = 'idle'
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  #onlineSince = 0
  #restartInMs: number | undefined
  #transports = ['websocket', 'polling']

  constructor(options: LinkOptions) {
    this.#options = options
    const { origin, pathname } = new URL(options.base)
    const open = options.open ?? (io as unknown as NonNullable<LinkOptions['open']>)
    this.#socket = open(origin, {
      path: pathname.replace(/\/+$/, '') + options.path,
      transports: this.#transports,
      tryAllTransports: true,
      autoConnect: false,
      forceNew: true,
      reconnection: false, // the link waits itself: with full jitter, and as long as the server asks
      timeout: CONNECT_WAIT_MS_MAX,
      auth: (give: (payload: object) => void) => this.#authenticate(give),
    })
    this.#listen('connect', () => this.#opened())
    this.#listen('disconnect', () => this.#lost())
    this.#listen('connect_error', (error: Error) => this.#failed(error))
    this.#listen('server_restart', (told: { reconnectInMs: number }) => {
      this.#restartInMs = told.reconnectInMs
    })
  }

  get state(): LinkState {
    return this.#state
  }

  onState(listener: (state: LinkState) => void): Detach {
    return this.#states.on('state', listener)
  }

  /** Listens to a server event, across reconnects. */
  on<Event extends keyof S['told'] & string>(event: Event, listener: (payload: S['told'][Event]) => void): Detach {
    this.#listen(event, listener as (payload: never) => void)
    return () => {
      this.#socket.off(event, listener as (payload: never) => void)
    }
  }

  /** Connects and stays connected until `close`. Also ends a wait or a refusal. */
  connect(): void {
    if (this.#state === 'connecting' || this.#state === 'online') return
    clearTimeout(this.#timer)
    this.#enter('connecting')
    this.#socket.connect()
  }

  /** The network may be back: ends a wait at once, unless the server itself asked for it. */
  wake(): void {
    if (this.#state === 'waiting' && this.#restartInMs === undefined) this.connect()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#enter('idle')
    this.#socket.disconnect()
  }

  /**
   * Sends an event and waits for its ack.
   *
   * @throws Refused when the server says no, Unanswered when there is no connection or no answer in time.
   */
  async request<Event extends keyof S['sent'] & string>(
    event: Event,
    payload: Sent<S, Event>['payload'],
    waitMs = ANSWER_WAIT_MS_MAX,
  ): Promise<Sent<S, Event>['ack']> {
    if (!this.#socket.connected) throw new Unanswered('not connected', false)
    const answer = await this.#socket
      .timeout(waitMs)
      .emitWithAck(event, payload)
      .catch((error: Error) => {
        throw new Unanswered(error.message, true)
      })
    const ack = answer as Answer<Sent<S, Event>['ack']> & { ok?: boolean }
    if (ack?.ok !== true) throw new Refused(ack as ConstructorParameters<typeof Refused>[0])
    return ack as Sent<S, Event>['ack']
  }

  /** Sends an event that may be lost (typing, reads). Returns false without a connection; nothing is kept. */
  tell<Event extends keyof S['sent'] & string>(event: Event, payload: Sent<S, Event>['payload']): boolean {
    if (!this.#socket.connected) return false
    this.#socket.emit(event, payload)
    return true
  }

  #listen(event: string, listener: (payload: never) => void): void {
    this.#socket.on(event, listener)
  }

  #enter(state: LinkState): void {
    if (state === this.#state) return
    this.#state = state
    this.#states.emit('state', state)
  }

  async #authenticate(give: (payload: object) => void): Promise<void> {
    try {
      give((await this.#options.auth?.()) ?? {})
    } catch {
      this.#socket.disconnect()
      this.#wait() // a socket that never connected emits no `disconnect`
    }
  }

  #opened(): void {
    this.#onlineSince = Date.now()
    this.#restartInMs = undefined
    this.#enter('online')
  }

  #lost(): void {
    if (Date.now() - this.#onlineSince >= STABLE_AFTER_MS) this.#attempt = 0
    this.#wait()
  }

  #failed(error: Error): void {
    if (this.#state === 'idle') return
    if (!this.#socket.active && this.#options.onRefused) {
      this.#enter('refused')
      this.#options.onRefused(error)
      return
    }
    // A network that swallows websockets answers nothing at all: the next try opens by polling and upgrades if it can.
    if (error.message === 'timeout' && this.#socket.io) {
      this.#transports = [...this.#transports].reverse()
      this.#socket.io.opts.transports = this.#transports
    }
    this.#wait()
  }

  #wait(): void {
    if (this.#state === 'idle' || this.#state === 'waiting') return
    const delayMs = this.#restartInMs ?? backoffMs(this.#attempt++, this.#options.random)
    this.#enter('waiting')
    this.#timer = setTimeout(() => {
      this.#restartInMs = undefined
      this.connect()
    }, delayMs)
  }
}

// A socket whose other end is the test: it records what is sent and lets the test answer, drop and reconnect.
import type { SocketLike } from '../src/index.ts'

type Listener = (...args: never[]) => void
export interface Sent {
  event: string
  payload: Record<string, unknown>
  answer?: (ack: unknown) => void
}

export class FakeSocket implements SocketLike {
  connected = false
  active = true
  readonly io = { opts: { transports: undefined as unknown } }
  readonly sent: Sent[] = []
  connects = 0
  /** Answers at once when set; otherwise the test answers through `sent`. */
  serve: ((event: string, payload: never) => unknown) | undefined
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #waiting = new Set<(error: Error) => void>()
  readonly options: Record<string, unknown>

  constructor(options: object = {}) {
    this.options = options as Record<string, unknown>
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener))
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener)
  }

  /** The server emits. */
  hear(event: string, payload?: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) (listener as (payload: unknown) => void)(payload)
  }

  connect(): void {
    this.connects++
    this.active = true
  }

  /** The connection comes up. */
  accept(): void {
    this.connected = true
    this.hear('connect')
  }

  disconnect(): void {
    const was = this.connected
    this.drop(was)
  }

  /** The connection breaks, in the middle of whatever was sent. */
  drop(tell = true): void {
    this.connected = false
    for (const reject of this.#waiting) reject(new Error('socket has been disconnected'))
    this.#waiting.clear()
    if (tell) this.hear('disconnect', 'transport close')
  }

  fail(message: string, active = true): void {
    this.active = active
    this.hear('connect_error', new Error(message))
  }

  emit(event: string, payload: unknown): void {
    this.sent.push({ event, payload: payload as Sent['payload'] })
  }

  timeout(ms: number) {
    return {
      emitWithAck: (event: string, payload: unknown) =>
        new Promise<unknown>((resolve, reject) => {
          const timer = setTimeout(() => end(reject)(new Error('operation has timed out')), ms)
          const end =
            <Value>(settle: (value: Value) => void) =>
            (value: Value) => {
              clearTimeout(timer)
              this.#waiting.delete(rejected)
              settle(value)
            }
          const rejected = end(reject)
          this.#waiting.add(rejected)
          this.sent.push({ event, payload: payload as Sent['payload'], answer: end(resolve) })
          const answer = this.serve?.(event, payload as never)
          if (answer !== undefined) void Promise.resolve().then(() => end(resolve)(answer))
        }),
    }
  }

  /** What was sent of one event, as payloads. */
  payloads(event: string): Record<string, unknown>[] {
    return this.sent.filter((one) => one.event === event).map((one) => one.payload)
  }

  last(event: string): Sent {
    const found = this.sent.findLast((one) => one.event === event)
    if (!found) throw new Error(`no ${event} was sent`)
    return found
  }
}

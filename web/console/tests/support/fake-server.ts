/** A chat-server in the test's own hands: answers what the test says, and pushes events. */

import { Link, type SocketLike } from '@kefu/client'
import type { AgentSide } from '@kefu/protocol'
import { createSession, type Session } from '../../src/session/session.ts'
import { type ConsoleState, INITIAL_STATE } from '../../src/state/state.ts'
import { createStore, type Store } from '../../src/state/store.ts'
import { ME } from './shapes.ts'

type Answer = (payload: never) => unknown
type Listener = (...args: never[]) => void

export class FakeServer implements SocketLike {
  connected = false
  active = true
  /** Everything a client sent, in order. */
  sent: { event: string; payload: Record<string, unknown> }[] = []
  /** How each event is answered; an event without one is never answered. */
  answers: Record<string, Answer> = {}
  role = 'agent'
  isUp = true
  readonly #listeners = new Map<string, Set<Listener>>()
  #auth: (give: (payload: object) => void) => void = () => undefined

  /** What Socket.IO's client would have been made with. */
  opened(options: object): this {
    this.#auth = (options as { auth: (give: (payload: object) => void) => void }).auth
    return this
  }

  /** A client connects once it has something to say who it is. */
  connect(): void {
    setTimeout(() => {
      if (this.isUp) this.#auth(() => setTimeout(() => this.#accept(), 0))
      else this.push('connect_error', new Error('websocket error'))
    }, 0)
  }

  disconnect(): void {
    this.connected = false
  }

  /** The network breaks. */
  drop(): void {
    this.connected = false
    this.push('disconnect', 'transport close')
  }

  push(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...(args as never[]))
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener))
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener)
  }

  emit(event: string, payload: unknown): void {
    this.sent.push({ event, payload: payload as Record<string, unknown> })
  }

  timeout(ms: number) {
    return {
      emitWithAck: (event: string, payload: unknown) =>
        new Promise<unknown>((resolve, reject) => {
          this.emit(event, payload)
          const answer = this.answers[event]
          if (answer) setTimeout(() => resolve(answer(payload as never)), 0)
          else setTimeout(() => reject(new Error('operation has timed out')), ms)
        }),
    }
  }

  authed() {
    return {
      ok: true,
      adminId: ME,
      role: this.role,
      expiresAt: new Date(Date.now() + 900_000).toISOString(),
      name: 'Lin',
    }
  }

  count(event: string): number {
    return this.sent.filter((sent) => sent.event === event).length
  }

  #accept(): void {
    this.connected = true
    this.push('connect')
    this.push('admin_authed', this.authed())
  }

  last(event: string): Record<string, unknown> | undefined {
    return this.sent.findLast((sent) => sent.event === event)?.payload
  }
}

export interface Bench {
  server: FakeServer
  store: Store<ConsoleState>
  session: Session
  tokenStatus: { code: number }
}

/** A session that talks to a fake server; nothing runs before `session.start()`. */
export function makeBench(): Bench {
  const server = new FakeServer()
  const store = createStore<ConsoleState>(INITIAL_STATE)
  const tokenStatus = { code: 200 }
  const session = createSession({
    store,
    server: 'https://chat.example',
    tokenUrl: '/api/admin/chat/token',
    storage: localStorage,
    fetch: (async () => Response.json({ token: 'a.b.c' }, { status: tokenStatus.code })) as typeof fetch,
    makeLink: (options) =>
      new Link<AgentSide>({ ...options, open: (_origin, linkOptions) => server.opened(linkOptions), random: () => 0 }),
  })
  return { server, store, session, tokenStatus }
}

export function refused(error: string) {
  return { ok: false, error, message: 'no' }
}

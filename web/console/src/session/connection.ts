/**
 * Keeps this agent connected and known to the server: the link, its token, and what the header shows of both.
 * Knows nothing of conversations; tells when the agent is authenticated.
 */

import { Link, type LinkState, Refused, Unanswered } from '@kefu/client'
import type { AdminAuthedAck, AgentSide } from '@kefu/protocol'
import type { Connection, ConsoleState } from '../state/state.ts'
import type { Store } from '../state/store.ts'
import { TokenKeeper } from './token.ts'

/** A server that takes the token at CONNECT says so at once; without a word the token is presented again as an event. */
const AUTHED_WAIT_MS = 3_000
/** After a refusal of CONNECT, before the next try. */
const REFUSED_WAIT_MS = 5_000
const FORBIDDEN_WAIT_MS = 60_000

export interface ConnectionOptions {
  store: Store<ConsoleState>
  server: string
  tokenUrl: string
  /** Authenticated, the first time, again, or with a fresh token. */
  onAuthed(): void
  /** Makes the link; tests put their own in its place. */
  makeLink?: (options: ConstructorParameters<typeof Link>[0]) => Link<AgentSide>
  fetch?: typeof fetch
}

export class AgentConnection {
  readonly link: Link<AgentSide>
  readonly #options: ConnectionOptions
  readonly #keeper: TokenKeeper
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  #isAuthed = false
  #wasLost = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#keeper = new TokenKeeper({
      url: options.tokenUrl,
      fetch: options.fetch ?? ((...args) => fetch(...args)),
      now: Date.now,
      onToken: (token) => this.#present(token),
      onTrouble: (trouble) => options.store.update((state) => ({ ...state, trouble })),
    })
    const makeLink = options.makeLink ?? ((linkOptions) => new Link<AgentSide>(linkOptions))
    this.link = makeLink({
      base: options.server,
      path: '/ws-admin',
      auth: () => this.#auth(),
      onRefused: (error) => this.#refused(error),
    })
    this.link.onState((state) => this.#moved(state))
    this.link.on('admin_authed', (authed) => this.#authed(authed))
    this.link.on('error', (event) => this.notice(event.error))
  }

  get isAuthed(): boolean {
    return this.#isAuthed
  }

  /** A fresh token for a request beside the socket; null when there is none to have. */
  token(): Promise<string | null> {
    return this.#keeper.fetchToken()
  }

  start(): void {
    this.link.connect()
  }

  stop(): void {
    this.#keeper.stop()
    for (const timer of this.#timers) clearTimeout(timer)
    this.link.close()
  }

  /** The machine woke, the tab came to the front or the network is back. */
  wake(): void {
    if (this.link.state === 'refused') this.link.connect()
    else this.link.wake()
    this.#keeper.wake()
    if (this.#options.store.get().trouble && this.link.state === 'online') void this.#keeper.renew()
  }

  /** A request was refused: an old token is renewed at once. */
  notice(code: string): void {
    if (code === 'TOKEN_EXPIRED' || code === 'UNAUTHORIZED') void this.#keeper.renew()
  }

  async #auth(): Promise<object> {
    const token = await this.#keeper.fetchToken()
    if (token === null) throw new Error('no token to connect with')
    return { token }
  }

  /** Shows a renewed token to the server over the connection that is there. */
  async #present(token: string): Promise<void> {
    try {
      this.#authed(await this.link.request('admin_auth', { token }))
    } catch (error) {
      if (error instanceof Refused) this.#rejected(error.code)
      else if (error instanceof Unanswered && this.link.state === 'online')
        this.#later(REFUSED_WAIT_MS, () => this.#keeper.renew())
    }
  }

  #authed(authed: AdminAuthedAck): void {
    const { adminId, role, name } = authed
    this.#isAuthed = true
    this.#keeper.accepted(authed.expiresAt)
    this.#options.store.update((state) => {
      const isSame = state.me?.adminId === adminId && state.me.role === role && state.me.name === name
      return { ...state, me: isSame ? state.me : { adminId, role, name }, connection: 'online', trouble: null }
    })
    this.#options.onAuthed()
  }

  #moved(state: LinkState): void {
    if (state === 'online') {
      this.#later(AUTHED_WAIT_MS, () => {
        if (!this.#isAuthed && this.link.state === 'online') void this.#keeper.renew()
      })
      return
    }
    this.#isAuthed = false
    this.#wasLost ||= state === 'waiting' || state === 'refused'
    this.#show(this.#wasLost ? 'offline' : 'connecting')
  }

  #refused(error: Error & { data?: unknown }): void {
    const code = (error.data as { error?: unknown } | undefined)?.error
    this.#rejected(typeof code === 'string' ? code : error.message)
    this.#later(code === 'FORBIDDEN' ? FORBIDDEN_WAIT_MS : REFUSED_WAIT_MS, () => this.link.connect())
  }

  #rejected(code: string): void {
    this.#isAuthed = false
    this.#wasLost = true
    this.#show(code === 'FORBIDDEN' ? 'forbidden' : 'offline')
  }

  #show(connection: Connection): void {
    this.#options.store.update((state) => (state.connection === connection ? state : { ...state, connection }))
  }

  #later(delayMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      work()
    }, delayMs)
    this.#timers.add(timer)
  }
}

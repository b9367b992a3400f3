// Several tabs of one site share one outbox; one of them sends. The tab where the visitor acts takes the role, because a
// tab in the background may be asleep with it. Two senders for a moment do no harm: the server stores a clientId once.

export const LEASE_MS = 5_000
const RENEW_MS = 2_000

export interface Tabs {
  readonly isElected: boolean
  /** The visitor acts here: this tab sends from now on. */
  take(): void
  /** The stored outbox changed: other tabs should look. */
  announce(): void
  leave(): void
}

export interface TabsOptions {
  /** Shared by the tabs that share an outbox. */
  name: string
  onElected: () => void
  onAnnounced: () => void
}

export function joinTabs(options: TabsOptions): Tabs {
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(options.name) : null
  if (channel) channel.onmessage = options.onAnnounced
  const election = navigator.locks ? new LockElection(options) : new LeaseElection(options)
  return {
    get isElected() {
      return election.isElected
    },
    take: () => election.take(),
    announce: () => channel?.postMessage('changed'),
    leave: () => {
      election.leave()
      channel?.close()
    },
  }
}

/** By Web Locks: the holder sends, the others wait in line; a tab that goes away frees its lock by itself. */
class LockElection {
  isElected = false
  readonly #options: TabsOptions
  readonly #gone = new AbortController()
  #release: () => void = () => {}

  constructor(options: TabsOptions) {
    this.#options = options
    this.#request({ signal: this.#gone.signal })
  }

  take(): void {
    if (!this.isElected && !this.#gone.signal.aborted) this.#request({ steal: true })
  }

  leave(): void {
    this.#gone.abort()
    this.isElected = false
    this.#release()
  }

  #request(options: LockOptions): void {
    const held = () => {
      this.isElected = true
      queueMicrotask(this.#options.onElected)
      return new Promise<void>((resolve) => {
        this.#release = resolve
      })
    }
    navigator.locks.request(this.#options.name, options, held).catch(() => {
      // Another tab took it; stand in line again, for when that tab is closed.
      const wasElected = this.isElected
      this.isElected = false
      if (wasElected && !this.#gone.signal.aborted) this.#request({ signal: this.#gone.signal })
    })
  }
}

/** On plain http there are no locks: a lease in localStorage that its holder renews. */
class LeaseElection {
  readonly #options: TabsOptions
  readonly #me = Math.random().toString(36).slice(2)
  readonly #timer: ReturnType<typeof setInterval>
  #wasElected = false

  constructor(options: TabsOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#renew(false), RENEW_MS)
    this.#renew(false)
  }

  get isElected(): boolean {
    return this.#holder() === this.#me
  }

  take(): void {
    this.#renew(true)
  }

  leave(): void {
    clearInterval(this.#timer)
    if (this.isElected) this.#write(0)
  }

  #renew(force: boolean): void {
    const holder = this.#holder()
    if (!force && holder !== null && holder !== this.#me) {
      this.#wasElected = false
      return
    }
    this.#write(Date.now() + LEASE_MS)
    if (this.#wasElected) return
    this.#wasElected = true
    queueMicrotask(this.#options.onElected)
  }

  /** Who holds a lease that has not run out; ourselves where nothing can be shared. */
  #holder(): string | null {
    try {
      const [holder, until] = (localStorage.getItem(this.#options.name) ?? '').split(' ')
      return holder && Number(until) > Date.now() ? holder : null
    } catch {
      return this.#me
    }
  }

  #write(until: number): void {
    try {
      localStorage.setItem(this.#options.name, `${this.#me} ${until}`)
    } catch {
      // Without storage no other tab sees our outbox either.
    }
  }
}

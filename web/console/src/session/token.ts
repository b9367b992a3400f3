/**
 * Keeps a valid agent token at hand: fetches it from the main site, renews it in time, waits out failures.
 * Knows the token route and the clock; never the socket. Whoever uses the token says when it expires.
 */

/** Renewed this long before the end, or after half of a shorter life. */
export const RENEW_BEFORE_MS = 120_000
/** Timers sleep with the machine, so the clock is looked at again at least this often. */
export const LOOK_EVERY_MS = 30_000
export const RETRY_DELAY_MS_MIN = 1_000
export const RETRY_DELAY_MS_MAX = 30_000
const FETCH_TIMEOUT_MS = 10_000

export type TokenTrouble = 'login' | 'unreachable' | 'misconfigured'

export interface TokenKeeperOptions {
  url: string
  fetch: typeof fetch
  now(): number
  /** A renewed token is there and should be shown to the server. */
  onToken(token: string): void
  /** Why there is no token; null when there is one again. */
  onTrouble(trouble: TokenTrouble | null): void
}

export class TokenKeeper {
  private timer: ReturnType<typeof setTimeout> | null = null
  private flight: Promise<string | null> | null = null
  private renewAt: number | null = null
  private failures = 0
  private stopped = false

  private readonly options: TokenKeeperOptions

  constructor(options: TokenKeeperOptions) {
    this.options = options
  }

  /** A token fresh from the main site; null when there is none to have, which `onTrouble` explains. */
  fetchToken(): Promise<string | null> {
    this.flight ??= this.ask().finally(() => {
      this.flight = null
    })
    return this.flight
  }

  /** The server took the token until `expiresAt`, ISO-8601. */
  accepted(expiresAt: string): void {
    const left = Date.parse(expiresAt) - this.options.now()
    if (!Number.isFinite(left)) return
    this.renewAt = this.options.now() + Math.max(RETRY_DELAY_MS_MIN, left - Math.min(RENEW_BEFORE_MS, left / 2))
    this.schedule()
  }

  /** Fetches a token and hands it to `onToken`; on failure tries again later, longer each time. */
  async renew(): Promise<void> {
    const token = await this.fetchToken()
    if (this.stopped) return
    if (token) {
      this.renewAt = null
      this.options.onToken(token)
      return
    }
    this.renewAt = this.options.now() + this.retryDelayMs()
    this.schedule()
  }

  /** The machine woke, the tab came back or the network did: renews if the time has come. */
  wake(): void {
    if (this.renewAt !== null && this.options.now() >= this.renewAt) void this.renew()
  }

  stop(): void {
    this.stopped = true
    if (this.timer) clearTimeout(this.timer)
  }

  private schedule(): void {
    if (this.timer) clearTimeout(this.timer)
    if (this.stopped || this.renewAt === null) return
    const left = this.renewAt - this.options.now()
    this.timer = setTimeout(() => this.look(), Math.max(0, Math.min(left, LOOK_EVERY_MS)))
  }

  private look(): void {
    if (this.renewAt !== null && this.options.now() >= this.renewAt) void this.renew()
    else this.schedule()
  }

  private async ask(): Promise<string | null> {
    const { token, trouble } = await requestToken(this.options)
    if (this.stopped) return null
    this.failures = trouble ? this.failures + 1 : 0
    this.options.onTrouble(trouble)
    return token
  }

  private retryDelayMs(): number {
    return Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2 ** Math.min(this.failures - 1, 8))
  }
}

interface TokenAnswer {
  token: string | null
  trouble: TokenTrouble | null
}

async function requestToken(options: TokenKeeperOptions): Promise<TokenAnswer> {
  try {
    const response = await options.fetch(options.url, {
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { Accept: 'application/json' },
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    })
    if (response.status === 401 || response.status === 403) return { token: null, trouble: 'login' }
    if (response.redirected && !isJson(response)) return { token: null, trouble: 'login' }
    if (!response.ok)
      return {
        token: null,
        trouble: response.status === 404 || response.status === 503 ? 'misconfigured' : 'unreachable',
      }
    const answer = (await response.json()) as { token?: unknown } | null
    if (typeof answer?.token !== 'string') return { token: null, trouble: 'misconfigured' }
    return { token: answer.token, trouble: null }
  } catch {
    return { token: null, trouble: 'unreachable' }
  }
}

function isJson(response: Response): boolean {
  return (response.headers.get('Content-Type') ?? '').includes('json')
}

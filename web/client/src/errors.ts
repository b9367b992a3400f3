// The two ways in which a request has no success: it was refused, or nobody answered.
import type { ErrorCode, RefusedAck } from '@kefu/protocol'

/** The server answered no. */
export class Refused extends Error {
  readonly code: ErrorCode
  /** Milliseconds after which a repeat may succeed; absent where it never will. */
  readonly retryAfterMs: number | undefined

  constructor(answer: Pick<RefusedAck, 'error' | 'message' | 'retryAfterMs'>) {
    super(answer.message)
    this.code = answer.error
    this.retryAfterMs = answer.retryAfterMs ?? undefined
  }
}

/** No answer came. The server may or may not have done what was asked. */
export class Unanswered extends Error {
  /** Whether the request left this client; false when there was no connection to send it on. */
  readonly sent: boolean

  constructor(message: string, sent: boolean) {
    super(message)
    this.sent = sent
  }
}

/** Asks chat-server what is wrong with it, for owners. Knows one route and its refusals; draws and keeps nothing. */

import type { DoctorFinding, DoctorReport } from '@kefu/protocol'
import type { Language } from '../state/settings.ts'

const TIMEOUT_MS = 30_000
const PATH = '/chat/api/admin/doctor'

/** `forbidden`: the server knows the agent as no owner. */
export type Health = readonly DoctorFinding[] | 'forbidden' | 'failed'

export interface HealthOptions {
  /** Base URL of chat-server. */
  server: string
  language: Language
  /** A token fresh from the main site, or null. */
  token(): Promise<string | null>
  fetch: typeof fetch
}

/** What was found, the worst first; never throws. */
export async function askHealth({ server, language, token, fetch }: HealthOptions): Promise<Health> {
  try {
    const held = await token()
    if (held === null) return 'failed'
    const response = await fetch(`${server}${PATH}?lang=${language}`, {
      cache: 'no-store',
      credentials: 'omit',
      headers: { Authorization: `Bearer ${held}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status === 403) return 'forbidden'
    return response.ok ? ((await response.json()) as DoctorReport).findings : 'failed'
  } catch {
    return 'failed'
  }
}

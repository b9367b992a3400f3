// What this page and this browser know of the visitor: the stored credentials, and what hello says about the page.
import type { VisitorMemory } from '@kefu/client'
import type { VisitorHello } from '@kefu/protocol'
import { type Config, STORED, stored } from '../contract.ts'

/** A session id that older clients shared between people, and anything too short, is no credential. */
const SESSION_ID_LENGTH_MIN = 16
const SHARED_SESSION_ID = 'v_fallback_session'

let unstored: ReturnType<VisitorMemory['load']> = null

/** Credentials in localStorage, where all tabs of the site find them; for this page only where storage is forbidden. */
export const memory: VisitorMemory = {
  load() {
    const sessionId = stored.get(STORED.sessionId)
    if (!sessionId || sessionId.length < SESSION_ID_LENGTH_MIN || sessionId === SHARED_SESSION_ID) return unstored
    return { sessionId, visitorToken: stored.get(STORED.visitorToken) }
  },
  save(credentials) {
    unstored = credentials
    stored.set(STORED.sessionId, credentials.sessionId)
    stored.set(STORED.visitorToken, credentials.visitorToken)
  },
}

export function aboutPage(config: Config, locale: string): Partial<VisitorHello> {
  return {
    entryUrl: location.href,
    referrer: document.referrer || null,
    title: document.title || null,
    locale,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || null,
    visitorName: config.visitorName || null,
    visitorEmail: config.visitorEmail || null,
    visitorPhone: config.visitorPhone || null,
  }
}

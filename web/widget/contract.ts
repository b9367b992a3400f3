// What loader and panel say to each other. The loader is on every page and tiny; the panel comes on first use.
import type { Catalogue } from '@kefu/client/catalogue'

export type { Catalogue }

export interface Config {
  /** Base URL of chat-server. */
  base: string
  mountSelector: string
  buttonText: string
  visitorName: string
  visitorEmail: string
  visitorPhone: string
}

/** What the host page may listen to, and what it is called with. */
export interface ChatEvents {
  ready: undefined
  open: undefined
  close: undefined
  /** Connection: `idle`, `connecting`, `online` or `waiting`. */
  state: { state: string }
  unread: { count: number }
  typing: { typing: boolean; name: string }
  'conversation:start': { conversationId: string }
  'message:queued': { clientId: string; text: string }
  'message:sent': { clientId: string; id: string; seq: number }
  'message:failed': { clientId: string; reason: string }
  'message:received': { id: string; seq: number; text: string; name: string }
  error: { error: string; message: string }
}

export type Tell = <Event extends keyof ChatEvents>(event: Event, payload: ChatEvents[Event]) => void

/** What the loader gives to the panel. */
export interface PanelHost {
  /** The one shadow root, shared with the launcher. */
  shadow: ShadowRoot
  config: Config
  locale: string
  texts: Catalogue
  tell: Tell
  /** The panel closed, by its button or by Escape; focus belongs on the launcher again if `returnFocus`. */
  closed: (returnFocus: boolean) => void
}

/** What the panel lets the loader do. */
export interface Panel {
  /** Connects without showing anything: a returning visitor with an open conversation. */
  start(): void
  /** Shows the panel; moves focus into it only if the person opened it. */
  open(moveFocus: boolean): void
  close(): void
  setTexts(locale: string, texts: Catalogue): void
  destroy(): void
}

export interface PanelModule {
  mount(host: PanelHost): Panel
}

/** Keys in the host page's localStorage; the first is older than Kefu and keeps its name. */
export const STORED = {
  sessionId: 'chat_session_id',
  visitorToken: 'chat_visitor_token',
  /** Set while there is something to come back for: an open conversation or an unsent message. */
  active: 'chat_active',
  draft: 'chat_draft',
} as const

/** The host page's localStorage, where the person allows it. */
export const stored = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  },
  set(key: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(key)
      else localStorage.setItem(key, value)
    } catch {
      // Storage is full or forbidden: the conversation lasts as long as the page.
    }
  },
}

/**
 * Tells the agent of news where they look: a sound, a desktop notification, a number in the title.
 * Knows the browser's ways to be noticed; what counts as news is decided by `isNews`.
 */

import type { InboxRow } from '@kefu/protocol'
import { unreadTotal } from '../state/inbox.ts'
import type { ConsoleState } from '../state/state.ts'
import type { Store } from '../state/store.ts'

/** Several messages at once make one sound. */
const SOUND_EVERY_MS = 1_500

export interface AlertTexts {
  /** Who the row is about. */
  name(row: InboxRow): string
  title(unread: number): string
}

export class Alerts {
  readonly #store: Store<ConsoleState>
  readonly #texts: AlertTexts
  readonly #open: (id: string) => void
  readonly #unsubscribe: () => void
  readonly #pageTitle = document.title
  #audio: AudioContext | null = null
  #soundedAt = 0

  constructor(store: Store<ConsoleState>, texts: AlertTexts, open: (id: string) => void) {
    this.#store = store
    this.#texts = texts
    this.#open = open
    this.#unsubscribe = store.subscribe(() => this.#retitle())
    this.#retitle()
  }

  stop(): void {
    this.#unsubscribe()
    document.title = this.#pageTitle
    void this.#audio?.close()
  }

  row(row: InboxRow, before: InboxRow | null): void {
    const state = this.#store.get()
    if (!isNews(row, before, state, document.hidden)) return
    if (state.settings.sound) this.#sound()
    if (state.settings.desktop) this.#notify(row)
  }

  #retitle(): void {
    const { inbox, me } = this.#store.get()
    const title = this.#texts.title(unreadTotal(inbox, me?.adminId ?? null))
    if (document.title !== title) document.title = title
  }

  #notify(row: InboxRow): void {
    if (!('Notification' in globalThis) || Notification.permission !== 'granted' || document.hasFocus()) return
    try {
      const notification = new Notification(this.#texts.name(row), { body: row.preview, tag: row.conversationId })
      notification.onclick = () => {
        window.focus()
        this.#open(row.conversationId)
        notification.close()
      }
    } catch {
      // Some phones allow notifications from service workers only; the title still tells.
    }
  }

  /** Two short soft tones, made here so that nothing has to be loaded. */
  #sound(): void {
    if (Date.now() - this.#soundedAt < SOUND_EVERY_MS || !('AudioContext' in globalThis)) return
    this.#soundedAt = Date.now()
    this.#audio ??= new AudioContext()
    void this.#audio.resume()
    tone(this.#audio, 660, 0)
    tone(this.#audio, 880, 0.12)
  }
}

/** Whether a live row is worth an alert: a visitor wrote, to this agent or to nobody, and it is not before their eyes. */
export function isNews(row: InboxRow, before: InboxRow | null, state: ConsoleState, isHidden: boolean): boolean {
  if (row.previewSender !== 'visitor' || row.unread === 0) return false
  if (row.seq <= (before?.seq ?? 0)) return false
  if (row.assignedTo !== null && row.assignedTo !== state.me?.adminId) return false
  return isHidden || state.openId !== row.conversationId
}

function tone(audio: AudioContext, hertz: number, delayS: number): void {
  const oscillator = audio.createOscillator()
  const gain = audio.createGain()
  const at = audio.currentTime + delayS
  oscillator.frequency.value = hertz
  gain.gain.setValueAtTime(0.0001, at)
  gain.gain.exponentialRampToValueAtTime(0.12, at + 0.02)
  gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.22)
  oscillator.connect(gain).connect(audio.destination)
  oscillator.start(at)
  oscillator.stop(at + 0.25)
}

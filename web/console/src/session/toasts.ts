/** Short sentences that come and go at the edge of the screen. Knows the time they stay, nothing of what they say. */

import type { ConsoleState, Toast } from '../state/state.ts'
import type { Store } from '../state/store.ts'

export const TOAST_SHOWN_MS = 8_000
const TOASTS_MAX = 3

export class Toasts {
  readonly #store: Store<ConsoleState>
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>()
  #next = 1

  constructor(store: Store<ConsoleState>) {
    this.#store = store
  }

  /** @param text catalogue key of the sentence */
  show(tone: Toast['tone'], text: string, undo: (() => void) | null = null): void {
    const id = this.#next++
    const toast: Toast = { id, tone, text, undo: undo && (() => this.#undo(id, undo)) }
    this.#store.update((state) => ({ ...state, toasts: [...state.toasts, toast].slice(-TOASTS_MAX) }))
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), TOAST_SHOWN_MS),
    )
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    this.#store.update((state) => ({ ...state, toasts: state.toasts.filter((toast) => toast.id !== id) }))
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  #undo(id: number, undo: () => void): void {
    this.dismiss(id)
    undo()
  }
}

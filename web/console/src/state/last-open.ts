/** Which conversation this tab shows, kept over a reload. Knows the browser's storage and nothing of chat. */

const KEY = 'kefu_console_open'

export function keepOpen(id: string | null): void {
  try {
    if (id) sessionStorage.setItem(KEY, id)
    else sessionStorage.removeItem(KEY)
  } catch {
    // Storage is full or forbidden: after a reload no conversation is chosen.
  }
}

export function keptOpen(): string | null {
  try {
    return sessionStorage.getItem(KEY)
  } catch {
    return null
  }
}

/** How this agent wants the console, kept in this browser. Knows the browser's storage and nothing of chat. */

export type Theme = 'system' | 'light' | 'dark'
export type Language = 'zh-CN' | 'en'

export interface Settings {
  /** Empty: as the page or the browser says. */
  language: Language | ''
  theme: Theme
  sound: boolean
  desktop: boolean
  shortcuts: boolean
  contextOpen: boolean
  listWidth: number
  contextWidth: number
}

export const DEFAULT_SETTINGS: Settings = {
  language: '',
  theme: 'system',
  sound: false,
  desktop: false,
  shortcuts: true,
  contextOpen: true,
  listWidth: 332,
  contextWidth: 304,
}

const KEY = 'kefu_console_settings'

export function loadSettings(storage: Storage | null): Settings {
  try {
    const stored = JSON.parse(storage?.getItem(KEY) ?? '{}') as Record<string, unknown>
    const known = Object.entries(DEFAULT_SETTINGS).map(([key, value]) => {
      const held = stored[key]
      return [key, typeof held === typeof value ? held : value]
    })
    return Object.fromEntries(known) as Settings
  } catch {
    return DEFAULT_SETTINGS
  }
}

export function saveSettings(storage: Storage | null, settings: Settings): void {
  try {
    storage?.setItem(KEY, JSON.stringify(settings))
  } catch {
    // Storage is full or forbidden; the choice lasts as long as the page.
  }
}

/** The page's storage, or null where the browser forbids it. */
export function pageStorage(): Storage | null {
  try {
    return globalThis.localStorage ?? null
  } catch {
    return null
  }
}

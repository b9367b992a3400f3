/** Writes the theme onto the console's root, and follows the system where the agent wants that. */

import { useEffect, useSyncExternalStore } from 'react'
import { useConsoleState } from './console.tsx'

const DARK = '(prefers-color-scheme: dark)'

export function useTheme(root: HTMLElement): void {
  const chosen = useConsoleState((state) => state.settings.theme)
  const isSystemDark = useSyncExternalStore(subscribe, () => window.matchMedia(DARK).matches)
  const theme = chosen === 'system' ? (isSystemDark ? 'dark' : 'light') : chosen
  useEffect(() => {
    root.dataset.theme = theme
  }, [root, theme])
}

function subscribe(onChange: () => void): () => void {
  const query = window.matchMedia(DARK)
  query.addEventListener('change', onChange)
  return () => query.removeEventListener('change', onChange)
}

/** Hears what a shortcut asks of a pane; see `shortcuts.ts`. */

import { useEffect, useRef } from 'react'
import { useConsole } from './console.tsx'

export function useRootEvent(name: string, listener: () => void): void {
  const { root } = useConsole().host
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => {
    const call = () => latest.current()
    root.addEventListener(name, call)
    return () => root.removeEventListener(name, call)
  }, [root, name])
}

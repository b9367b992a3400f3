/** How much room the console has: its own width counts, not the window's, so it fits into any page. */

import { useSyncExternalStore } from 'react'
import type { Room } from './console.tsx'

export const WIDE_PX = 1200
export const MEDIUM_PX = 768

export function useRoomOf(root: HTMLElement): Room {
  return useSyncExternalStore(
    (onChange) => {
      const observer = new ResizeObserver(onChange)
      observer.observe(root)
      return () => observer.disconnect()
    },
    () => roomOf(root.clientWidth || window.innerWidth),
  )
}

export function roomOf(width: number): Room {
  if (width >= WIDE_PX) return 'wide'
  return width >= MEDIUM_PX ? 'medium' : 'narrow'
}

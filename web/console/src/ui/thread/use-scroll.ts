/**
 * Where a conversation is scrolled to: at its end while the reader is there, else still, whatever comes above or below.
 * Knows the scrolling box only.
 */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** Nearer to the end than this counts as being there, px. */
const END_SLACK_PX = 48
/** Nearer to the start than this, older lines are asked for, px. */
const START_SLACK_PX = 240

export interface ThreadScroll {
  box: RefObject<HTMLDivElement | null>
  isAtEnd: boolean
  toEnd(): void
  onScroll(): void
}

/**
 * @param content changes whenever lines may have come or gone
 * @param onStart the reader is near the oldest line shown
 * @param onEnd the reader is near the newest line shown
 */
export function useThreadScroll(content: unknown, onStart: () => void, onEnd: () => void): ThreadScroll {
  const box = useRef<HTMLDivElement | null>(null)
  const sticks = useRef(true)
  const anchor = useRef<{ key: string; top: number } | null>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  const calls = useRef({ onStart, onEnd })
  useEffect(() => {
    calls.current = { onStart, onEnd }
  })

  const toEnd = useCallback(() => {
    sticks.current = true
    setAtEnd(true)
    const element = box.current
    if (element) element.scrollTop = element.scrollHeight
  }, [])

  const onScroll = useCallback(() => {
    const element = box.current
    if (!element) return
    const below = element.scrollHeight - element.clientHeight - element.scrollTop
    sticks.current = below <= END_SLACK_PX
    setAtEnd(sticks.current)
    anchor.current = anchorOf(element)
    if (element.scrollTop <= START_SLACK_PX) calls.current.onStart()
    if (below <= END_SLACK_PX) calls.current.onEnd()
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when lines may have moved, which `content` says
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    if (sticks.current) element.scrollTop = element.scrollHeight
    else if (anchor.current) holdStill(element, anchor.current)
    anchor.current = anchorOf(element)
    // A conversation shorter than its box never scrolls, so its start is in sight already.
    if (element.scrollHeight <= element.clientHeight + START_SLACK_PX) calls.current.onStart()
  }, [content])

  useEffect(() => {
    const element = box.current
    if (!element || typeof ResizeObserver === 'undefined') return
    const observer = new ResizeObserver(() => {
      if (sticks.current) element.scrollTop = element.scrollHeight
    })
    observer.observe(element)
    if (element.firstElementChild) observer.observe(element.firstElementChild)
    return () => observer.disconnect()
  }, [])

  return { box, isAtEnd, toEnd, onScroll }
}

/** The first line in sight, and how far it is from the top of the box. */
function anchorOf(box: HTMLElement): { key: string; top: number } | null {
  const top = box.getBoundingClientRect().top
  for (const line of box.querySelectorAll<HTMLElement>('[data-line]')) {
    const rect = line.getBoundingClientRect()
    if (rect.bottom > top && line.dataset.line) return { key: line.dataset.line, top: rect.top - top }
  }
  return null
}

function holdStill(box: HTMLElement, anchor: { key: string; top: number }): void {
  const line = box.querySelector<HTMLElement>(`[data-line="${CSS.escape(anchor.key)}"]`)
  if (line) box.scrollTop += line.getBoundingClientRect().top - box.getBoundingClientRect().top - anchor.top
}

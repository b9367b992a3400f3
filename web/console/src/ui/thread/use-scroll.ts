/**
 * Where a conversation is scrolled to: at its end while the reader is there, else still, whatever comes above or below.
 * Knows the scrolling box only.
 */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** Nearer to the end than this counts as being there, px. */
const END_SLACK_PX = 48
/** Nearer to an edge of what is rendered than this, more lines are asked for, px. */
const EDGE_PX = 240

export interface ThreadScroll {
  box: RefObject<HTMLDivElement | null>
  isAtEnd: boolean
  toEnd(): void
  onScroll(): void
}

export interface ThreadScrollOptions {
  /** Changes whenever lines may have come or gone. */
  content: unknown
  /** The newest line is rendered; only then is there an end to stay at. */
  hasNewest: boolean
  /** The reader is near the oldest line rendered. */
  onStart(): void
  /** The reader is near the newest line rendered. */
  onEnd(): void
}

export function useThreadScroll(options: ThreadScrollOptions): ThreadScroll {
  const box = useRef<HTMLDivElement | null>(null)
  const sticks = useRef(true)
  const anchor = useRef<Anchor | null>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  const latest = useRef(options)

  const toEnd = useCallback(() => {
    sticks.current = true
    setAtEnd(true)
    const element = box.current
    if (element) element.scrollTop = element.scrollHeight
  }, [])

  const onScroll = useCallback(() => {
    const element = box.current
    if (!element) return
    sticks.current = latest.current.hasNewest && belowOf(element) <= END_SLACK_PX
    setAtEnd(sticks.current)
    anchor.current = anchorOf(element)
    askAtEdges(element, latest.current)
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when lines may have moved, which `content` says
  useLayoutEffect(() => {
    latest.current = options
    const element = box.current
    if (!element) return
    if (sticks.current) element.scrollTop = element.scrollHeight
    else if (anchor.current) holdStill(element, anchor.current)
    anchor.current = anchorOf(element)
    // A box that did not move tells of no scrolling, and the reader may still be at an edge of it.
    askAtEdges(element, options)
  }, [options.content, options.hasNewest])

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

interface Anchor {
  key: string
  /** Distance from the top of the box, px. */
  top: number
}

function belowOf(box: HTMLElement): number {
  return box.scrollHeight - box.clientHeight - box.scrollTop
}

function askAtEdges(box: HTMLElement, { hasNewest, onStart, onEnd }: ThreadScrollOptions): void {
  if (box.scrollTop <= EDGE_PX) onStart()
  else if (!hasNewest && belowOf(box) <= EDGE_PX) onEnd()
}

/** The first line in sight, and how far it is from the top of the box. */
function anchorOf(box: HTMLElement): Anchor | null {
  const top = box.getBoundingClientRect().top
  for (const line of box.querySelectorAll<HTMLElement>('[data-line]')) {
    const rect = line.getBoundingClientRect()
    if (rect.bottom > top && line.dataset.line) return { key: line.dataset.line, top: rect.top - top }
  }
  return null
}

function holdStill(box: HTMLElement, anchor: Anchor): void {
  const line = box.querySelector<HTMLElement>(`[data-line="${CSS.escape(anchor.key)}"]`)
  if (line) box.scrollTop += line.getBoundingClientRect().top - box.getBoundingClientRect().top - anchor.top
}

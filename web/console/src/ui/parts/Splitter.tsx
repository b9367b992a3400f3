/** The line between two panes, which the pointer and the arrow keys move; drawn inside the pane that it resizes. */

import { type KeyboardEvent, type PointerEvent, useRef } from 'react'

export interface SplitterProps {
  label: string
  /** Width of the pane that it resizes, px. */
  value: number
  min: number
  max: number
  /** Which side of the line that pane is on; the line stands at that pane's inner edge. */
  side: 'start' | 'end'
  onChange(width: number): void
}

const STEP_PX = 16

export function Splitter({ label, value, min, max, side, onChange }: SplitterProps) {
  const grip = useRef<{ x: number; width: number } | null>(null)
  const sign = side === 'start' ? 1 : -1
  const clamp = (width: number) => Math.round(Math.min(max, Math.max(min, width)))

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId)
    grip.current = { x: event.clientX, width: value }
  }
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    if (grip.current) onChange(clamp(grip.current.width + sign * (event.clientX - grip.current.x)))
  }
  const onPointerUp = () => {
    grip.current = null
  }
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const moves: Record<string, number> = {
      ArrowLeft: value - sign * STEP_PX,
      ArrowRight: value + sign * STEP_PX,
      Home: min,
      End: max,
    }
    const width = moves[event.key]
    if (width === undefined) return
    event.preventDefault()
    onChange(clamp(width))
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: an hr cannot be moved; a focusable separator is the window splitter pattern
    <div
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onKeyDown={onKeyDown}
      className={`group absolute inset-y-0 z-10 w-2 cursor-col-resize touch-none outline-none ${side === 'start' ? '-end-1' : '-start-1'}`}
    >
      <span className="absolute inset-y-0 start-1/2 w-px bg-line transition-colors group-hover:w-0.5 group-hover:bg-accent group-focus-visible:w-0.5 group-focus-visible:bg-accent" />
    </div>
  )
}

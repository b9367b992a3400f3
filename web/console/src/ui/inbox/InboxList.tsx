/** The rows of one tab: only those in sight are drawn, and none moves while the pointer is over the list. */

import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Button as AriaButton } from 'react-aria-components/Button'
import { useT } from '../../i18n/i18n.tsx'
import { freezeOrder } from '../../state/order.ts'
import { useActions, useConsoleState } from '../console.tsx'
import { InboxRowView } from './InboxRowView.tsx'

const ROW_HEIGHT_PX = 76
/** The next page is asked for when this many rows are left below. */
const PAGE_AHEAD_ROWS = 8

export function InboxList({ ids }: { ids: readonly string[] }) {
  const t = useT()
  const actions = useActions()
  const filter = useConsoleState((state) => state.filter)
  const openId = useConsoleState((state) => state.openId)
  const { shown, waiting, freeze, release } = useFrozenOrder(ids, filter)
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT_PX,
    getItemKey: (index) => shown[index] ?? index,
    overscan: 6,
    initialRect: { width: 320, height: 800 },
  })
  const items = virtual.getVirtualItems()
  useNextPage(items.at(-1)?.index ?? 0, shown.length)
  useShowOpen(shown, openId, (index) => virtual.scrollToIndex(index, { align: 'auto' }))

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => moveFocus(event)

  return (
    <div className="relative h-full">
      {waiting > 0 && (
        <AriaButton
          onPress={() => {
            release()
            scroller.current?.scrollTo({ top: 0 })
          }}
          className="kefu-rise absolute top-2 left-1/2 z-10 -translate-x-1/2 cursor-pointer rounded-full bg-inverse px-3 py-1 text-xs font-medium whitespace-nowrap text-on-inverse shadow-pop"
        >
          {t('inbox.held', { count: waiting })}
        </AriaButton>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: pointer and arrow keys only steer; each row is a button */}
      <div
        ref={scroller}
        className="kefu-scroll h-full"
        onPointerEnter={freeze}
        onPointerLeave={release}
        onKeyDown={onKeyDown}
      >
        <ul
          data-testid="inbox"
          aria-label={t(`inbox.tab.${filter}`)}
          className="relative"
          style={{ height: virtual.getTotalSize() }}
        >
          {items.map((item) => {
            const id = shown[item.index]
            if (id === undefined) return null
            return (
              <li
                key={item.key}
                aria-setsize={shown.length}
                aria-posinset={item.index + 1}
                className="absolute inset-x-0 top-0"
                style={{ height: ROW_HEIGHT_PX, transform: `translateY(${item.start}px)` }}
              >
                <InboxRowView id={id} isOpen={id === openId} onOpen={() => actions.open(id)} />
              </li>
            )
          })}
        </ul>
      </div>
    </div>
  )
}

function useFrozenOrder(ids: readonly string[], filter: string) {
  const [frozen, setFrozen] = useState<{ ids: readonly string[]; filter: string } | null>(null)
  const latest = useRef(ids)
  useEffect(() => {
    latest.current = ids
  })
  const isFrozen = frozen !== null && frozen.filter === filter
  const order = isFrozen ? freezeOrder(frozen.ids, ids) : { ids, waiting: 0 }
  return {
    shown: order.ids,
    waiting: order.waiting,
    freeze: () => setFrozen({ ids: latest.current, filter }),
    release: () => setFrozen(null),
  }
}

function useNextPage(lastIndex: number, count: number): void {
  const actions = useActions()
  const isMore = useConsoleState((state) => state.inbox.pages[state.filter].more && !state.paging)
  useEffect(() => {
    if (isMore && lastIndex >= count - PAGE_AHEAD_ROWS) actions.nextPage()
  }, [isMore, lastIndex, count, actions])
}

/** Brings the open row into sight when another one is opened, never when the list itself changes. */
function useShowOpen(ids: readonly string[], openId: string | null, show: (index: number) => void): void {
  const last = useRef(openId)
  useEffect(() => {
    if (last.current === openId) return
    last.current = openId
    const index = openId ? ids.indexOf(openId) : -1
    if (index >= 0) show(index)
  })
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-testid="inbox-row"]')]
  const sorted = rows.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
  const at = sorted.indexOf(document.activeElement as HTMLElement)
  const next = sorted[at + (event.key === 'ArrowDown' ? 1 : -1)]
  if (at < 0 || !next) return
  event.preventDefault()
  next.focus()
}

/** What was said, oldest above: messages, notes, days, the unread divider, and who types. */

import type { InboxRow } from '@kefu/protocol'
import { memo, useEffect, useMemo, useRef, useState } from 'react'
import { Button as AriaButton } from 'react-aria-components/Button'
import { useLocale, useT } from '../../i18n/i18n.tsx'
import type { Thread } from '../../state/state.ts'
import { type Line, layOut, type Outgoing, RENDERED_MAX, windowOf } from '../../state/thread.ts'
import { dayName, dayOf } from '../../state/time.ts'
import { useActions, useConsoleState } from '../console.tsx'
import { Icon } from '../parts/Icon.tsx'
import { useNow } from '../use-now.ts'
import { Announcer } from './Announcer.tsx'
import { MessageLine, NoteLine, OutgoingLine, SystemLine } from './lines.tsx'
import { TypingLine } from './TypingLine.tsx'
import { useThreadScroll } from './use-scroll.ts'

const NOTHING: readonly Outgoing[] = []
/** When the reader nears an edge of what is rendered, the window moves by this many messages. */
const WINDOW_STEP = 100

export function Timeline({ row, thread }: { row: InboxRow; thread: Thread }) {
  const t = useT()
  const actions = useActions()
  const id = row.conversationId
  const outgoing = useConsoleState((state) => state.outgoing.get(id) ?? NOTHING)
  const typing = useConsoleState((state) => state.typing.get(id))
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const { shown, isWhole, up, down, reset } = useWindow(thread.messages)
  const lines = useMemo(
    () =>
      layOut(
        {
          messages: shown,
          notes: thread.notes,
          outgoing: isWhole ? outgoing : NOTHING,
          me,
          unreadAfter: thread.unreadAfter,
          visitorReadSeq: row.visitorReadSeq,
        },
        dayOf,
      ),
    [shown, isWhole, thread.notes, thread.unreadAfter, outgoing, me, row.visitorReadSeq],
  )
  const content = useMemo(() => ({ lines, typing }), [lines, typing])
  const scroll = useThreadScroll({
    content,
    hasNewest: isWhole,
    onStart: () => {
      if (!up()) actions.loadOlder(id)
    },
    onEnd: down,
  })
  const isAtEnd = scroll.isAtEnd && isWhole
  const top = thread.messages.at(-1)?.seq ?? 0
  const fresh = useFresh(top, isAtEnd)
  useSeen(id, top, isAtEnd, row.unread)
  useShowOwn(outgoing.length, scroll.toEnd)

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroll.box}
        onScroll={scroll.onScroll}
        data-testid="thread"
        role="log"
        aria-live="off"
        aria-label={t('thread.messages')}
        className="kefu-scroll h-full [overflow-anchor:none]"
      >
        <div className="mx-auto flex min-h-full max-w-3xl flex-col justify-end px-4 pt-6 pb-4 sm:px-6">
          {thread.state === 'loading' && <Loading />}
          {lines.map((line) => (
            <div key={line.key} data-line={isMark(line) ? undefined : line.key}>
              <LineView line={line} />
            </div>
          ))}
          <TypingLine id={id} row={row} />
        </div>
      </div>
      {thread.loadingOlder && (
        <div className="pointer-events-none absolute inset-x-0 top-0">
          <Loading />
        </div>
      )}
      {!isAtEnd && thread.state === 'ready' && (
        <JumpButton
          count={fresh}
          onPress={() => {
            reset()
            scroll.toEnd()
            requestAnimationFrame(scroll.toEnd)
          }}
        />
      )}
      <Announcer messages={thread.messages} />
    </div>
  )
}

const LineView = memo(function LineView({ line }: { line: Line }) {
  switch (line.kind) {
    case 'day':
      return <Day at={line.at} />
    case 'unread':
      return <UnreadDivider />
    case 'system':
      return <SystemLine text={line.text} at={line.at} />
    case 'note':
      return <NoteLine line={line} />
    case 'outgoing':
      return <OutgoingLine line={line} />
    default:
      return <MessageLine line={line} />
  }
})

/** Days and dividers move when older lines come; only what was said can hold the scroll position. */
function isMark(line: Line): boolean {
  return line.kind === 'day' || line.kind === 'unread'
}

/** The part of a long conversation that is rendered; `up` and `down` move it and say whether they could. */
function useWindow(messages: Thread['messages']) {
  const [end, setEnd] = useState<number | null>(null)
  const shown = useMemo(() => windowOf(messages, end), [messages, end])
  const isWhole = shown.at(-1) === messages.at(-1)
  return {
    shown,
    isWhole,
    up(): boolean {
      if (shown[0] === messages[0] || messages.length <= RENDERED_MAX) return false
      setEnd((shown.at(-1)?.seq ?? 0) - WINDOW_STEP)
      return true
    },
    down(): void {
      if (isWhole) return
      const next = (shown.at(-1)?.seq ?? 0) + WINDOW_STEP
      setEnd(next >= (messages.at(-1)?.seq ?? 0) ? null : next)
    },
    reset: () => setEnd(null),
  }
}

/** How many messages came since the reader left the end. */
function useFresh(top: number, isAtEnd: boolean): number {
  const [leftAt, setLeftAt] = useState(top)
  useEffect(() => {
    if (isAtEnd) setLeftAt(top)
  }, [isAtEnd, top])
  return isAtEnd ? 0 : Math.max(0, top - leftAt)
}

/** What is at the end of the thread, in a page that is being looked at, has been seen. */
function useSeen(id: string, top: number, isAtEnd: boolean, unread: number): void {
  const actions = useActions()
  const isOnline = useConsoleState((state) => state.connection === 'online')
  // biome-ignore lint/correctness/useExhaustiveDependencies: a row that becomes unread again is told again
  useEffect(() => {
    const tell = () => {
      if (isOnline && isAtEnd && top > 0 && !document.hidden) actions.seen(id)
    }
    tell()
    document.addEventListener('visibilitychange', tell)
    return () => document.removeEventListener('visibilitychange', tell)
  }, [actions, id, top, isAtEnd, isOnline, unread])
}

/** Whoever sends wants to see what they sent. */
function useShowOwn(count: number, toEnd: () => void): void {
  const last = useRef(count)
  useEffect(() => {
    if (count > last.current) toEnd()
    last.current = count
  }, [count, toEnd])
}

function Day({ at }: { at: string }) {
  const locale = useLocale()
  const now = useNow()
  return (
    <div className="flex items-center gap-3 pt-5 pb-1 text-xs font-medium text-faint">
      <span className="h-px flex-1 bg-line" />
      <time dateTime={at}>{dayName(at, now, locale)}</time>
      <span className="h-px flex-1 bg-line" />
    </div>
  )
}

function UnreadDivider() {
  const t = useT()
  return (
    <div className="flex items-center gap-3 pt-4 pb-1 text-xs font-semibold text-accent">
      <span className="h-px flex-1 bg-accent opacity-40" />
      {t('thread.unread')}
      <span className="h-px flex-1 bg-accent opacity-40" />
    </div>
  )
}

function JumpButton({ count, onPress }: { count: number; onPress: () => void }) {
  const t = useT()
  return (
    <AriaButton
      onPress={onPress}
      className="kefu-rise absolute bottom-3 left-1/2 flex h-8 -translate-x-1/2 cursor-pointer items-center gap-1.5 rounded-full bg-raised px-3 text-xs font-medium text-text shadow-pop hover:bg-hover"
    >
      <Icon name="down" size={14} />
      {count > 0 ? t('thread.fresh', { count }) : t('thread.toEnd')}
    </AriaButton>
  )
}

function Loading() {
  const t = useT()
  return (
    <div role="status" aria-label={t('thread.loading')} className="flex justify-center py-4 text-faint">
      <span className="kefu-spin size-5 rounded-full border-2 border-line-strong border-t-accent" />
    </div>
  )
}

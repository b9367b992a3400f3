/** One conversation in the list: who, what was said last, who waits and for how long. */

import type { InboxRow } from '@kefu/protocol'
import { memo } from 'react'
import { useLocale, useT } from '../../i18n/i18n.tsx'
import { type Draft, isEmptyDraft } from '../../state/drafts.ts'
import { activityOf, viewRow } from '../../state/inbox.ts'
import { duration, shortTime, type Urgency, urgencyOf } from '../../state/time.ts'
import { useConsoleState } from '../console.tsx'
import { Avatar } from '../parts/Avatar.tsx'
import { Icon } from '../parts/Icon.tsx'
import { TypingDots } from '../parts/TypingDots.tsx'
import { useVisitorName } from '../use-names.ts'
import { useNow } from '../use-now.ts'

export interface InboxRowViewProps {
  id: string
  isOpen: boolean
  onOpen(): void
}

export const InboxRowView = memo(
  function InboxRowView({ id, isOpen, onOpen }: InboxRowViewProps) {
    const row = useConsoleState((state) => state.inbox.rows.get(id) && viewRow(state.inbox, id), sameRow)
    if (!row) return null
    const unread = row.unread > 0
    return (
      <div className="h-full px-2 py-0.5">
        <button
          type="button"
          data-testid="inbox-row"
          data-conversation-id={id}
          data-inset-focus
          aria-current={isOpen ? 'true' : undefined}
          onClick={onOpen}
          className={`flex h-full w-full cursor-pointer items-center gap-3 rounded-xl px-2 text-start transition-colors ${isOpen ? 'bg-accent-soft' : 'hover:bg-hover'}`}
        >
          <Person row={row} />
          <span className="flex min-w-0 flex-1 flex-col gap-px">
            <span className="flex items-baseline gap-2">
              <Name row={row} isStrong={unread} />
              <When row={row} />
            </span>
            <span className="flex items-center gap-2">
              <Preview row={row} isStrong={unread} />
              {unread && <Unread count={row.unread} />}
            </span>
            <Meta row={row} />
          </span>
        </button>
      </div>
    )
  },
  (a, b) => a.id === b.id && a.isOpen === b.isOpen,
)

function sameRow(a: InboxRow | null | undefined, b: InboxRow | null | undefined): boolean {
  if (a === b || !a || !b) return a === b
  return (Object.keys(a) as (keyof InboxRow)[]).every((key) => a[key] === b[key])
}

function Person({ row }: { row: InboxRow }) {
  return <Avatar id={row.conversationId} name={row.visitorName} online={row.visitorOnline} />
}

function Name({ row, isStrong }: { row: InboxRow; isStrong: boolean }) {
  const t = useT()
  const nameOf = useVisitorName()
  return (
    <span dir="auto" className={`min-w-0 flex-1 truncate text-base ${isStrong ? 'font-semibold' : 'font-medium'}`}>
      {nameOf(row)}
      {row.visitorOnline && <span className="sr-only"> {t('visitor.online')}</span>}
    </span>
  )
}

function When({ row }: { row: InboxRow }) {
  const locale = useLocale()
  const now = useNow()
  return <time className="shrink-0 text-xs text-faint tabular-nums">{shortTime(activityOf(row), now, locale)}</time>
}

function Unread({ count }: { count: number }) {
  const t = useT()
  return (
    <span className="min-w-5 shrink-0 rounded-full bg-accent-solid px-1.5 text-center text-2xs font-semibold text-on-accent tabular-nums">
      <span aria-hidden="true">{count > 99 ? '99+' : count}</span>
      <span className="sr-only">{t('inbox.unread', { count })}</span>
    </span>
  )
}

function Preview({ row, isStrong }: { row: InboxRow; isStrong: boolean }) {
  const t = useT()
  const typing = useConsoleState((state) => state.typing.get(row.conversationId)?.visitor ?? null)
  const draft = useConsoleState((state) => state.drafts.get(row.conversationId))
  if (typing) {
    return (
      <span className="flex min-w-0 flex-1 items-center gap-1.5 text-sm text-accent">
        {t('visitor.typing')}
        <TypingDots />
      </span>
    )
  }
  if (draft && !isEmptyDraft(draft)) return <DraftPreview draft={draft} />
  return (
    <span dir="auto" className={`min-w-0 flex-1 truncate text-sm ${isStrong ? 'text-text' : 'text-muted'}`}>
      {row.previewSender === 'admin' && <Icon name="reply" size={13} className="me-1 inline align-[-2px] text-faint" />}
      {row.preview || t('inbox.noPreview')}
    </span>
  )
}

function DraftPreview({ draft }: { draft: Draft }) {
  const t = useT()
  return (
    <span dir="auto" className="min-w-0 flex-1 truncate text-sm text-muted">
      <span className="font-medium text-danger">{t('inbox.draft')}</span> {draft.text}
    </span>
  )
}

function Meta({ row }: { row: InboxRow }) {
  const t = useT()
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const assignee = row.assignedTo === me ? t('assignee.me') : (row.assigneeName ?? t('assignee.other'))
  return (
    <span className="flex items-center gap-2 text-xs text-faint">
      <span dir="auto" className="flex min-w-0 flex-1 items-center gap-1">
        <span className="truncate">{row.assignedTo ? assignee : t('assignee.nobody')}</span>
      </span>
      {row.status === 'closed' ? (
        <span>{t('conversation.closed')}</span>
      ) : (
        row.waitingSince && <Waiting since={row.waitingSince} />
      )}
    </span>
  )
}

const URGENCIES: Record<Urgency, string> = {
  calm: 'text-faint',
  warn: 'text-warn font-medium',
  late: 'text-danger font-semibold',
}

export function Waiting({ since }: { since: string }) {
  const t = useT()
  const locale = useLocale()
  const now = useNow()
  const waited = Math.max(0, now - Date.parse(since))
  const time = duration(waited, locale)
  return (
    <span className={`flex shrink-0 items-center gap-1 tabular-nums ${URGENCIES[urgencyOf(waited)]}`}>
      <Icon name="clock" size={12} />
      <span aria-hidden="true">{time}</span>
      <span className="sr-only">{t('inbox.waiting', { time })}</span>
    </span>
  )
}

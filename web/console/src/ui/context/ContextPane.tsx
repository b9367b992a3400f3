/** What is known of the visitor and of the conversation. */

import type { InboxRow } from '@kefu/protocol'
import type { ReactNode } from 'react'
import { useLocale, useT } from '../../i18n/i18n.tsx'
import { viewRow } from '../../state/inbox.ts'
import { hrefOf } from '../../state/links.ts'
import { mayAct } from '../../state/state.ts'
import { fullTime } from '../../state/time.ts'
import { useActions, useConsoleState } from '../console.tsx'
import { Avatar } from '../parts/Avatar.tsx'
import { Button, IconButton } from '../parts/Button.tsx'
import { Icon, type IconName } from '../parts/Icon.tsx'
import { useVisitorName } from '../use-names.ts'
import { useNow } from '../use-now.ts'

/** @param props.edge what stands at the pane's inner edge */
export function ContextPane({ onClose, edge }: { onClose: () => void; edge?: ReactNode }) {
  const t = useT()
  const row = useConsoleState((state) => (state.openId ? viewRow(state.inbox, state.openId) : null))
  return (
    <aside aria-label={t('context.title')} className="relative flex h-full min-w-0 flex-col bg-surface">
      <header className="flex h-14 shrink-0 items-center justify-between border-b border-line ps-4 pe-3">
        <h2 className="text-base font-semibold">{t('context.title')}</h2>
        <IconButton icon="close" label={t('context.hide')} onPress={onClose} />
      </header>
      {row && (
        <div className="kefu-scroll min-h-0 flex-1">
          <Person row={row} />
          <Assignment row={row} />
          <Contact row={row} />
          <Visit row={row} />
          <Conversation row={row} />
        </div>
      )}
      {edge}
    </aside>
  )
}

function Person({ row }: { row: InboxRow }) {
  const t = useT()
  const nameOf = useVisitorName()
  return (
    <div className="flex flex-col items-center gap-2 px-4 pt-6 pb-5 text-center">
      <Avatar id={row.conversationId} name={row.visitorName} size="lg" online={row.visitorOnline} />
      <p dir="auto" className="max-w-full text-lg font-semibold wrap-anywhere">
        {nameOf(row)}
      </p>
      {row.visitorOnline !== null && (
        <p className="text-xs text-muted">{t(row.visitorOnline ? 'visitor.online' : 'visitor.away')}</p>
      )}
    </div>
  )
}

function Assignment({ row }: { row: InboxRow }) {
  const t = useT()
  const actions = useActions()
  const may = useConsoleState(mayAct)
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const isMine = row.assignedTo !== null && row.assignedTo === me
  const name = isMine ? t('assignee.me') : (row.assigneeName ?? t('assignee.other'))
  return (
    <Section title={t('context.assignment')}>
      <div className="flex items-center gap-2">
        {row.assignedTo ? (
          <>
            <Avatar id={row.assignedTo} name={row.assigneeName} size="sm" />
            <span dir="auto" className="min-w-0 flex-1 truncate text-sm">
              {name}
            </span>
          </>
        ) : (
          <span className="flex-1 text-sm text-muted">{t('assignee.nobody')}</span>
        )}
        {may && (
          <Button weight="quiet" onPress={() => actions.assign(row.conversationId, !isMine)} className="-me-2 h-7 px-2">
            {isMine ? t('action.unassign') : row.assignedTo ? t('action.takeOver') : t('action.assign')}
          </Button>
        )}
      </div>
    </Section>
  )
}

function Contact({ row }: { row: InboxRow }) {
  const t = useT()
  if (!row.visitorEmail && !row.visitorPhone) {
    return (
      <Section title={t('context.contact')}>
        <p className="text-sm text-faint">{t('context.contact.none')}</p>
      </Section>
    )
  }
  return (
    <Section title={t('context.contact')}>
      <dl className="flex flex-col gap-2">
        <Fact
          icon="mail"
          name={t('context.email')}
          value={row.visitorEmail}
          href={hrefOf(`mailto:${row.visitorEmail}`)}
        />
        <Fact
          icon="phone"
          name={t('context.phone')}
          value={row.visitorPhone}
          href={hrefOf(`tel:${row.visitorPhone?.replace(/\s+/gu, '')}`)}
        />
      </dl>
    </Section>
  )
}

function Visit({ row }: { row: InboxRow }) {
  const t = useT()
  const locale = useLocale()
  const now = useNow()
  if (!(row.entryUrl || row.referrer || row.locale || row.timezone)) return null
  return (
    <Section title={t('context.visit')}>
      <dl className="flex flex-col gap-2.5">
        <Fact
          icon="link"
          name={t('context.page')}
          value={row.entryUrl}
          text={row.pageTitle}
          href={row.entryUrl && webLink(row.entryUrl)}
        />
        <Fact
          icon="reply"
          name={t('context.referrer')}
          value={row.referrer}
          href={row.referrer && webLink(row.referrer)}
        />
        <Fact icon="globe" name={t('context.locale')} value={row.locale && languageName(row.locale, locale)} />
        <Fact
          icon="clock"
          name={t('context.timezone')}
          value={row.timezone && `${row.timezone}${localTime(row.timezone, now, locale)}`}
        />
      </dl>
    </Section>
  )
}

function Conversation({ row }: { row: InboxRow }) {
  const t = useT()
  const locale = useLocale()
  return (
    <Section title={t('context.conversation')}>
      <dl className="flex flex-col gap-2.5">
        <Fact icon="chat" name={t('context.created')} value={fullTime(row.createdAt, locale)} />
        {row.closedAt && <Fact icon="check" name={t('context.closed')} value={fullTime(row.closedAt, locale)} />}
        <Fact icon="inbox" name={t('context.id')} value={row.conversationId} />
      </dl>
    </Section>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="border-t border-line px-4 py-4">
      <h3 className="pb-2.5 text-xs font-semibold text-muted">{title}</h3>
      {children}
    </section>
  )
}

interface FactProps {
  icon: IconName
  name: string
  value: string | null
  /** Shown instead of the value, which stays as its tooltip. */
  text?: string | null
  href?: string | null
}

/** One fact; nothing where it is not known. */
function Fact({ icon, name, value, text, href }: FactProps) {
  if (!value) return null
  const shown = text || value
  return (
    <div className="flex gap-2.5">
      <dt className="pt-0.5 text-faint" title={name}>
        <Icon name={icon} size={16} />
        <span className="sr-only">{name}</span>
      </dt>
      <dd dir="auto" title={value} className="m-0 line-clamp-3 min-w-0 flex-1 text-sm wrap-anywhere">
        {href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow" className="text-accent hover:underline">
            {shown}
          </a>
        ) : (
          shown
        )}
      </dd>
    </div>
  )
}

/** Pages and referrers come from the visitor's browser: only what is a web address becomes a link. */
function webLink(address: string): string | null {
  return /^https?:\/\//iu.test(address) ? hrefOf(address) : null
}

function languageName(tag: string, locale: string): string {
  try {
    return new Intl.DisplayNames(locale, { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag // The visitor's browser may say anything.
  }
}

function localTime(timeZone: string, now: number, locale: string): string {
  try {
    return ` · ${new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone }).format(now)}`
  } catch {
    return ''
  }
}

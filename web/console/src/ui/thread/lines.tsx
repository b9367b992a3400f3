/** The lines of a conversation: a visitor's and an agent's message, a note, one on its way, and what the system did. */

import type { ReactNode } from 'react'
import { Button as AriaButton } from 'react-aria-components/Button'
import { useLocale, useT } from '../../i18n/i18n.tsx'
import { splitLinks } from '../../state/links.ts'
import { type Line, quickRepliesOf, type Seen } from '../../state/thread.ts'
import { clockTime, fullTime } from '../../state/time.ts'
import { useActions, useConsoleState } from '../console.tsx'
import { Icon } from '../parts/Icon.tsx'
import { useErrorText } from '../use-error-text.ts'

type LineOf<Kind extends Line['kind']> = Extract<Line, { kind: Kind }>

export function MessageLine({ line }: { line: LineOf<'message'> }) {
  const { message } = line
  const isVisitor = message.senderType === 'visitor'
  const replies = isVisitor ? [] : quickRepliesOf(message)
  return (
    <Block
      isStart={isVisitor}
      isFirst={line.first}
      author={isVisitor ? null : <AgentName id={message.adminId} name={message.author?.name ?? null} />}
      attributes={{ 'data-testid': 'message', 'data-seq': message.seq, 'data-sender': message.senderType }}
    >
      <Bubble look={isVisitor ? 'visitor' : 'agent'} isFirst={line.first} isLast={line.last} text={message.bodyText} />
      <QuickReplyChips replies={replies} />
      {(line.last || line.seen === 'last') && <Foot at={message.createdAt} seen={isVisitor ? null : line.seen} />}
    </Block>
  )
}

export function NoteLine({ line }: { line: LineOf<'note'> }) {
  const { note } = line
  return (
    <Block
      isStart={false}
      isFirst={line.first}
      author={<NoteBy id={note.adminId} name={note.author?.name ?? null} />}
      attributes={{ 'data-testid': 'note' }}
    >
      <Bubble look="note" isFirst={line.first} isLast={line.last} text={note.bodyText} />
      {line.last && <Foot at={note.createdAt} seen={null} />}
    </Block>
  )
}

export function OutgoingLine({ line }: { line: LineOf<'outgoing'> }) {
  const t = useT()
  const { outgoing } = line
  const isNote = outgoing.kind === 'note'
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const author = isNote ? <NoteBy id={me} name={null} /> : <AgentName id={me} name={null} />
  return (
    <Block
      isStart={false}
      isFirst={line.first}
      author={author}
      attributes={{ 'data-testid': 'outgoing', 'data-state': outgoing.state }}
    >
      <div className={outgoing.state === 'failed' ? '' : 'opacity-75'}>
        <Bubble look={isNote ? 'note' : 'agent'} isFirst={line.first} isLast={line.last} text={outgoing.text} />
      </div>
      <QuickReplyChips replies={outgoing.quickReplies} />
      {outgoing.state === 'failed' ? (
        <Failure clientId={outgoing.clientId} code={outgoing.error} />
      ) : (
        <span className="flex items-center gap-1 pt-1 text-xs text-faint">
          <Icon name="clock" size={12} />
          {t(outgoing.state === 'sending' ? 'message.sending' : 'message.queued')}
        </span>
      )}
    </Block>
  )
}

export function SystemLine({ text, at }: { text: string; at: string }) {
  const locale = useLocale()
  return (
    <p title={fullTime(at, locale)} className="py-2 text-center text-xs text-faint">
      <span dir="auto">{text}</span> · <time dateTime={at}>{clockTime(at, locale)}</time>
    </p>
  )
}

interface BlockProps {
  isStart: boolean
  isFirst: boolean
  author: ReactNode
  attributes: Record<`data-${string}`, string | number>
  children: ReactNode
}

function Block({ isStart, isFirst, author, attributes, children }: BlockProps) {
  return (
    <div
      {...attributes}
      className={`flex flex-col ${isStart ? 'items-start' : 'items-end'} ${isFirst ? 'pt-3' : 'pt-0.5'}`}
    >
      {isFirst && author}
      {children}
    </div>
  )
}

const LOOKS = {
  visitor: 'bg-bubble text-text',
  agent: 'bg-accent-soft text-text',
  note: 'bg-note text-text inset-ring inset-ring-note-line',
}

interface BubbleProps {
  look: keyof typeof LOOKS
  isFirst: boolean
  isLast: boolean
  text: string
}

/** Corners towards the author are tight inside a group, so that a group reads as one. */
function Bubble({ look, isFirst, isLast, text }: BubbleProps) {
  const isStart = look === 'visitor'
  const tight = isStart
    ? `${isFirst ? '' : 'rounded-ss-md'} ${isLast ? '' : 'rounded-es-md'}`
    : `${isFirst ? '' : 'rounded-se-md'} ${isLast ? '' : 'rounded-ee-md'}`
  return (
    <div
      dir="auto"
      className={`max-w-[min(34rem,85vw)] rounded-2xl px-3.5 py-2 text-base whitespace-pre-wrap wrap-anywhere ${LOOKS[look]} ${tight}`}
    >
      <LinkedText text={text} />
    </div>
  )
}

export function LinkedText({ text }: { text: string }) {
  return splitLinks(text).map((piece) =>
    piece.href ? (
      <a
        key={piece.at}
        href={piece.href}
        target="_blank"
        rel="noopener noreferrer nofollow"
        className="text-accent underline underline-offset-2"
      >
        {piece.text}
      </a>
    ) : (
      piece.text
    ),
  )
}

function QuickReplyChips({ replies }: { replies: readonly string[] }) {
  const t = useT()
  if (replies.length === 0) return null
  return (
    <ul
      aria-label={t('quickReplies.label')}
      className="flex max-w-[min(34rem,85vw)] flex-wrap justify-end gap-1.5 py-1.5"
    >
      {replies.map((reply) => (
        <li
          key={reply}
          dir="auto"
          className="rounded-full px-2.5 py-0.5 text-xs text-accent inset-ring inset-ring-line-strong"
        >
          {reply}
        </li>
      ))}
    </ul>
  )
}

function Foot({ at, seen }: { at: string; seen: Seen | null }) {
  const t = useT()
  const locale = useLocale()
  return (
    <span className="flex items-center gap-1 px-1 pt-1 text-xs text-faint">
      <time dateTime={at} title={fullTime(at, locale)} className="tabular-nums">
        {clockTime(at, locale)}
      </time>
      {(seen === 'yes' || seen === 'last') && (
        <>
          <Icon name="checkAll" size={14} className="text-accent" />
          <span className={seen === 'yes' ? 'sr-only' : ''}>{t('message.seen')}</span>
        </>
      )}
      {seen === 'no' && (
        <>
          <Icon name="check" size={12} />
          <span className="sr-only">{t('message.sent')}</span>
        </>
      )}
    </span>
  )
}

function Failure({ clientId, code }: { clientId: string; code: string | null }) {
  const t = useT()
  const errorText = useErrorText()
  const actions = useActions()
  const link = 'cursor-pointer font-semibold underline underline-offset-2'
  return (
    <span role="alert" className="flex flex-wrap items-center justify-end gap-x-2 pt-1 text-xs text-danger">
      <Icon name="alert" size={14} />
      {t('message.failed', { reason: errorText(code) })}
      <AriaButton onPress={() => actions.retry(clientId)} className={link}>
        {t('message.retry')}
      </AriaButton>
      <AriaButton onPress={() => actions.edit(clientId)} className={link}>
        {t('message.edit')}
      </AriaButton>
    </span>
  )
}

function AgentName({ id, name }: { id: string | null; name: string | null }) {
  const t = useT()
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  return (
    <span className="px-1 pb-1 text-xs font-medium text-muted">
      {id === me ? t('assignee.me') : (name ?? t('assignee.other'))}
    </span>
  )
}

function NoteBy({ id, name }: { id: string | null; name: string | null }) {
  const t = useT()
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const who = id === me ? t('assignee.me') : (name ?? t('assignee.other'))
  return (
    <span className="flex items-center gap-1 px-1 pb-1 text-xs font-medium text-note-text">
      <Icon name="lock" size={12} />
      {t('note.by', { name: who })}
    </span>
  )
}

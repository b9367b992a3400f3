/** The head of a conversation: the visitor, who answers for it, and what can be done with it. */

import type { InboxRow } from '@kefu/protocol'
import { TooltipTrigger } from 'react-aria-components/Tooltip'
import { useT } from '../../i18n/i18n.tsx'
import { mayAct } from '../../state/state.ts'
import { useActions, useConsoleState, useRoom } from '../console.tsx'
import { Waiting } from '../inbox/InboxRowView.tsx'
import { Avatar } from '../parts/Avatar.tsx'
import { Button, Hint, IconButton } from '../parts/Button.tsx'
import { useVisitorName } from '../use-names.ts'

export interface ThreadHeaderProps {
  row: InboxRow
  isContextShown: boolean
  onToggleContext(): void
}

export function ThreadHeader({ row, isContextShown, onToggleContext }: ThreadHeaderProps) {
  const t = useT()
  const actions = useActions()
  const room = useRoom()
  const may = useConsoleState(mayAct)
  return (
    <header className="flex h-14 shrink-0 items-center gap-2 border-b border-line ps-4 pe-3">
      {room === 'narrow' && (
        <IconButton icon="back" label={t('thread.back')} onPress={() => actions.open(null)} className="-ms-2 size-11" />
      )}
      <Who row={row} />
      <span className="ms-auto flex shrink-0 items-center gap-2">
        {may && <AssignButton row={row} isShort={room === 'narrow'} />}
        {may && row.status === 'open' && <CloseButton id={row.conversationId} isShort={room === 'narrow'} />}
        <IconButton
          icon="panel"
          label={t(isContextShown ? 'context.hide' : 'context.show')}
          shortcut="i"
          aria-expanded={isContextShown}
          onPress={onToggleContext}
          className={room === 'narrow' ? 'size-11' : ''}
        />
      </span>
    </header>
  )
}

function Who({ row }: { row: InboxRow }) {
  const t = useT()
  const nameOf = useVisitorName()
  const room = useRoom()
  const { pageTitle, entryUrl } = row
  const Title = room === 'narrow' ? 'h1' : 'h2'
  return (
    <>
      {room !== 'narrow' && <Avatar id={row.conversationId} name={row.visitorName} online={row.visitorOnline} />}
      <div className="min-w-0">
        <Title dir="auto" className="truncate text-base leading-5 font-semibold">
          {nameOf(row)}
        </Title>
        <p className="flex items-center gap-2 text-xs text-muted">
          {row.status === 'closed' ? (
            <span>{t('conversation.closed')}</span>
          ) : (
            row.visitorOnline !== null && (
              <span className="shrink-0">{t(row.visitorOnline ? 'visitor.online' : 'visitor.away')}</span>
            )
          )}
          {row.status === 'open' && row.waitingSince && <Waiting since={row.waitingSince} />}
          {room === 'wide' && (pageTitle || entryUrl) && (
            <span dir="auto" className="truncate text-faint">
              {pageTitle || entryUrl}
            </span>
          )}
        </p>
      </div>
    </>
  )
}

/** Nobody's conversation offers to be taken; one's own shows that it is taken and can be given back. */
function AssignButton({ row, isShort }: { row: InboxRow; isShort: boolean }) {
  const t = useT()
  const actions = useActions()
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const isMine = row.assignedTo !== null && row.assignedTo === me
  const label = isMine ? t('action.unassign') : row.assignedTo ? t('action.takeOver') : t('action.assign')
  return (
    <TooltipTrigger delay={500} closeDelay={80}>
      <Button
        testId="assign"
        weight={row.assignedTo ? 'plain' : 'primary'}
        icon={isMine ? 'person' : 'personAdd'}
        isIconOnly={isShort}
        onPress={() => actions.assign(row.conversationId, !isMine)}
      >
        {label}
      </Button>
      <Hint shortcut={isMine ? undefined : 'a'}>{isMine ? t('action.unassign.hint') : label}</Hint>
    </TooltipTrigger>
  )
}

function CloseButton({ id, isShort }: { id: string; isShort: boolean }) {
  const t = useT()
  const actions = useActions()
  return (
    <TooltipTrigger delay={500} closeDelay={80}>
      <Button icon="check" isIconOnly={isShort} onPress={() => actions.close(id)}>
        {t('action.close')}
      </Button>
      <Hint shortcut="e">{t('action.close.hint')}</Hint>
    </TooltipTrigger>
  )
}

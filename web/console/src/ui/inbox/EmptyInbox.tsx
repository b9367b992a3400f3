/** What stands in a list without rows: that it loads, that all is done, or how the first visitor gets here. */

import { useT } from '../../i18n/i18n.tsx'
import { type Filter, isUnusedInbox } from '../../state/inbox.ts'
import { useConsole, useConsoleState, useRoom } from '../console.tsx'
import { Icon } from '../parts/Icon.tsx'
import { EmbedHelp } from './EmbedHelp.tsx'

export function EmptyInbox({ filter, isLoading }: { filter: Filter; isLoading: boolean }) {
  const t = useT()
  const room = useRoom()
  const { host } = useConsole()
  const isUnused = useConsoleState((state) => isUnusedInbox(state.inbox))
  if (isLoading) return <Skeleton />
  if (room === 'narrow' && isUnused) {
    return (
      <div className="kefu-scroll h-full p-4">
        <EmbedHelp server={host.server} />
      </div>
    )
  }
  return (
    <div className="flex flex-col items-center gap-2 px-8 pt-20 text-center">
      <span className="grid size-11 place-items-center rounded-full bg-hover text-faint">
        <Icon name={filter === 'closed' ? 'inbox' : 'check'} size={20} />
      </span>
      <p className="pt-1 text-base font-medium">{t(`inbox.empty.${filter}`)}</p>
      <p className="text-sm text-muted">{t(`inbox.empty.${filter}.hint`)}</p>
    </div>
  )
}

const SKELETON_ROWS = [64, 48, 72, 56, 60, 44]

function Skeleton() {
  const t = useT()
  return (
    <div role="status" aria-label={t('inbox.loading')} className="kefu-pulse">
      {SKELETON_ROWS.map((width) => (
        <div key={width} className="flex h-19 items-center gap-3 px-4">
          <span className="size-9 rounded-full bg-hover" />
          <span className="flex flex-1 flex-col gap-2">
            <span className="h-3 rounded bg-hover" style={{ width: `${width}%` }} />
            <span className="h-2.5 w-4/5 rounded bg-hover" />
          </span>
        </div>
      ))}
    </div>
  )
}

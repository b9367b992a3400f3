/** The open conversation: who it is, what was said, and where the agent answers. */

import { useT } from '../../i18n/i18n.tsx'
import { isUnusedInbox, viewRow } from '../../state/inbox.ts'
import { LOADING_THREAD, mayAct } from '../../state/state.ts'
import { useActions, useConsole, useConsoleState } from '../console.tsx'
import { EmbedHelp } from '../inbox/EmbedHelp.tsx'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { useErrorText } from '../use-error-text.ts'
import { Composer } from './Composer.tsx'
import { ThreadHeader } from './ThreadHeader.tsx'
import { Timeline } from './Timeline.tsx'

export interface ThreadPaneProps {
  isContextShown: boolean
  onToggleContext(): void
}

export function ThreadPane(props: ThreadPaneProps) {
  const openId = useConsoleState((state) => state.openId)
  if (openId === null) return <NothingOpen />
  return <OpenThread key={openId} id={openId} {...props} />
}

function OpenThread({ id, ...header }: ThreadPaneProps & { id: string }) {
  const t = useT()
  const row = useConsoleState((state) => viewRow(state.inbox, id), Object.is)
  const thread = useConsoleState((state) => state.threads.get(id) ?? LOADING_THREAD)
  const isViewer = useConsoleState((state) => state.me !== null && !mayAct(state))
  if (!row) return <NothingOpen />
  return (
    <main aria-label={t('thread.label')} className="flex h-full min-w-0 flex-col bg-surface">
      <ThreadHeader row={row} {...header} />
      {thread.state === 'failed' ? <Failed code={thread.error} /> : <Timeline row={row} thread={thread} />}
      {isViewer ? (
        <Bar icon="lock">{t('composer.viewer')}</Bar>
      ) : row.status === 'closed' ? (
        <ClosedBar id={id} />
      ) : (
        <Composer id={id} />
      )}
    </main>
  )
}

function NothingOpen() {
  const t = useT()
  const { host } = useConsole()
  const isUnused = useConsoleState((state) => isUnusedInbox(state.inbox))
  if (isUnused) {
    return (
      <main aria-label={t('thread.label')} className="grid h-full place-content-center bg-surface p-8">
        <div className="max-w-xl rounded-2xl p-6 shadow-card inset-ring inset-ring-line">
          <EmbedHelp server={host.server} />
        </div>
      </main>
    )
  }
  return (
    <main
      aria-label={t('thread.label')}
      className="grid h-full place-content-center justify-items-center gap-2 bg-surface px-8 text-center"
    >
      <span className="mb-2 grid size-14 place-items-center rounded-2xl bg-hover text-faint">
        <Icon name="chat" size={26} />
      </span>
      <h2 className="text-lg font-semibold">{t('thread.none')}</h2>
      <p className="max-w-sm text-base text-muted">{t('thread.none.hint')}</p>
    </main>
  )
}

function Failed({ code }: { code: string | null }) {
  const errorText = useErrorText()
  return (
    <div className="grid flex-1 place-content-center justify-items-center gap-3 px-8 text-center">
      <Icon name="alert" size={26} className="text-danger" />
      <p className="max-w-sm text-base text-muted">{errorText(code)}</p>
    </div>
  )
}

function ClosedBar({ id }: { id: string }) {
  const t = useT()
  const actions = useActions()
  return (
    <Bar icon="check">
      {t('composer.closed')}
      <Button icon="refresh" onPress={() => actions.reopen(id)}>
        {t('action.reopen')}
      </Button>
    </Bar>
  )
}

function Bar({ icon, children }: { icon: 'lock' | 'check'; children: React.ReactNode }) {
  return (
    <div className="flex min-h-14 shrink-0 flex-wrap items-center justify-center gap-3 border-t border-line bg-sunken px-4 py-3 text-sm text-muted">
      <Icon name={icon} size={16} />
      {children}
    </div>
  )
}

/** Who types right now: the visitor, with their words where the site shares them, and other agents. */

import type { InboxRow } from '@kefu/protocol'
import { useT } from '../../i18n/i18n.tsx'
import { useConsoleState } from '../console.tsx'
import { TypingDots } from '../parts/TypingDots.tsx'
import { useVisitorName } from '../use-names.ts'

export function TypingLine({ id, row }: { id: string; row: InboxRow }) {
  const t = useT()
  const nameOf = useVisitorName()
  const typing = useConsoleState((state) => state.typing.get(id))
  if (!typing) return null
  const agents = [...typing.agents.values()].map((agent) => agent.name ?? t('assignee.other'))
  return (
    <>
      {typing.visitor && (
        <div className="kefu-fade mt-3 flex items-end gap-2" data-testid="visitor-typing">
          <span className="flex max-w-[85%] items-center gap-2 rounded-2xl rounded-es-md border border-dashed border-line-strong px-3.5 py-2 text-muted">
            {typing.visitor.draft && (
              <span dir="auto" className="min-w-0 italic wrap-anywhere">
                {typing.visitor.draft}
              </span>
            )}
            <TypingDots />
            <span className="sr-only">{t('thread.visitorTyping', { name: nameOf(row) })}</span>
          </span>
        </div>
      )}
      {agents.length > 0 && (
        <p className="kefu-fade mt-3 flex items-center justify-end gap-2 text-xs text-note-text">
          <TypingDots />
          {t('thread.agentTyping', { name: agents.join(', ') })}
        </p>
      )}
    </>
  )
}

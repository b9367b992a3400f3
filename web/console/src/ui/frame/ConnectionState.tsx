/** Says in a word and a dot how the connection is, always in sight. */

import { useT } from '../../i18n/i18n.tsx'
import type { Connection } from '../../state/state.ts'
import { useConsoleState } from '../console.tsx'

const DOTS: Record<Connection, string> = {
  online: 'bg-ok',
  connecting: 'bg-faint kefu-pulse',
  offline: 'bg-warn kefu-pulse',
  forbidden: 'bg-danger',
}

export function ConnectionState({ isCompact = false }: { isCompact?: boolean }) {
  const t = useT()
  const connection = useConsoleState((state) => state.connection)
  return (
    <span
      data-testid="connection"
      data-state={connection}
      role="status"
      title={t(`connection.${connection}`)}
      className={`flex items-center text-xs text-muted ${isCompact ? 'flex-col gap-1 text-2xs leading-3' : 'gap-1.5'}`}
    >
      <span aria-hidden="true" className={`size-2 rounded-full ${DOTS[connection]}`} />
      <span className={isCompact ? 'max-w-14 text-center' : ''}>{t(`connection.${connection}.short`)}</span>
    </span>
  )
}

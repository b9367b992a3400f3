/** A calm line across the top while something is amiss with the connection or the login; it goes by itself. */

import { useEffect, useState } from 'react'
import { useT } from '../../i18n/i18n.tsx'
import type { ConsoleState } from '../../state/state.ts'
import { useActions, useConsole, useConsoleState } from '../console.tsx'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'

/** A connection that is back within this time is not worth a word. */
const CALM_MS = 1_200

type Trouble = 'login' | 'forbidden' | 'misconfigured' | 'offline'

function troubleOf(state: ConsoleState): Trouble | null {
  if (state.trouble === 'login') return 'login'
  if (state.connection === 'forbidden') return 'forbidden'
  if (state.connection === 'online') return null
  if (state.trouble === 'misconfigured') return 'misconfigured'
  return state.connection === 'offline' || state.trouble ? 'offline' : null
}

export function Banner() {
  const t = useT()
  const actions = useActions()
  const { host } = useConsole()
  const trouble = useLasting(useConsoleState(troubleOf), CALM_MS)
  return (
    <div role="status" className="shrink-0">
      {trouble && (
        <div className="kefu-fade flex flex-wrap items-center gap-x-3 gap-y-1 bg-warn-soft px-4 py-2 text-sm text-warn">
          <Icon
            name={trouble === 'offline' ? 'refresh' : 'alert'}
            size={16}
            className={trouble === 'offline' ? 'kefu-spin' : ''}
          />
          <span className="min-w-0 flex-1 basis-60">
            <span className="font-semibold">{t(`banner.${trouble}`)}</span> <span>{t(`banner.${trouble}.hint`)}</span>
          </span>
          {trouble === 'login' && (
            <a
              href={host.loginUrl ?? '/admin/login'}
              target="_blank"
              rel="noopener"
              className="font-semibold underline underline-offset-2"
            >
              {t('banner.login.action')}
            </a>
          )}
          <Button weight="quiet" onPress={() => actions.tryNow()} className="text-warn">
            {t('banner.retry')}
          </Button>
        </div>
      )}
    </div>
  )
}

/** The value once it has stood for a while; its end shows at once. */
function useLasting<T>(value: T | null, ms: number): T | null {
  const [shown, setShown] = useState<T | null>(null)
  useEffect(() => {
    const timer = setTimeout(() => setShown(value), value === null ? 0 : ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return value === null ? null : shown
}

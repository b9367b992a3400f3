/** The sheet of keys. */

import { useT } from '../../i18n/i18n.tsx'
import { useConsoleState } from '../console.tsx'
import { COMMANDS, MODIFIER } from '../shortcuts.ts'
import { Keys } from './Keys.tsx'
import { Overlay } from './Overlay.tsx'

export default function Shortcuts() {
  const t = useT()
  const areOn = useConsoleState((state) => state.settings.shortcuts)
  const rows = [
    { label: t('palette.open'), keys: [MODIFIER, 'K'] },
    ...COMMANDS.filter((command) => command.key !== null).map((command) => ({
      label: t(command.label),
      keys: [command.key ?? ''],
    })),
    { label: t('shortcuts.send'), keys: ['Enter'] },
    { label: t('shortcuts.newLine'), keys: ['Shift', 'Enter'] },
    { label: t('shortcuts.leave'), keys: ['Esc'] },
  ]
  return (
    <Overlay title={t('shortcuts.title')}>
      <dl className="grid gap-x-8 px-5 pb-2 sm:grid-cols-2">
        {rows.map((row) => (
          <div key={row.label} className="flex items-center justify-between gap-4 border-t border-line py-2 text-sm">
            <dt>{row.label}</dt>
            <dd className="m-0">
              <Keys keys={row.keys} />
            </dd>
          </div>
        ))}
      </dl>
      <p className="px-5 pt-1 pb-5 text-xs text-faint">{t(areOn ? 'shortcuts.hint' : 'shortcuts.off')}</p>
    </Overlay>
  )
}

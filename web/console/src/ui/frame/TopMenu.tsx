/** The rail's entries as a menu, where there is no room for a rail. */

import { Button as AriaButton } from 'react-aria-components/Button'
import { Menu, MenuItem, MenuTrigger } from 'react-aria-components/Menu'
import { Popover } from 'react-aria-components/Popover'
import { useT } from '../../i18n/i18n.tsx'
import { useActions, useConsole, useConsoleState } from '../console.tsx'
import { Icon, type IconName } from '../parts/Icon.tsx'
import { leaveTo } from './Rail.tsx'

export function TopMenu() {
  const t = useT()
  const actions = useActions()
  const { host } = useConsole()
  const isSoundOn = useConsoleState((state) => state.settings.sound)
  const entries: { id: string; icon: IconName; label: string; run: () => void }[] = [
    { id: 'search', icon: 'search', label: t('palette.open'), run: () => actions.overlay('palette') },
    {
      id: 'sound',
      icon: isSoundOn ? 'bell' : 'bellOff',
      label: t(isSoundOn ? 'alerts.mute' : 'alerts.unmute'),
      run: () => actions.settings({ sound: !isSoundOn }),
    },
    { id: 'settings', icon: 'sliders', label: t('settings.title'), run: () => actions.overlay('settings') },
  ]
  if (host.logoutUrl)
    entries.push({ id: 'logout', icon: 'logout', label: t('rail.logout'), run: () => leaveTo(host.logoutUrl) })
  return (
    <MenuTrigger>
      <AriaButton
        aria-label={t('rail.label')}
        className="grid size-11 cursor-pointer place-items-center rounded-lg text-muted hover:bg-hover"
      >
        <Icon name="more" />
      </AriaButton>
      <Popover placement="bottom end" className="kefu-fade min-w-52 rounded-xl bg-raised p-1 shadow-pop">
        <Menu
          aria-label={t('rail.label')}
          onAction={(key) => entries.find((entry) => entry.id === key)?.run()}
          className="outline-none"
        >
          {entries.map((entry) => (
            <MenuItem
              key={entry.id}
              id={entry.id}
              textValue={entry.label}
              className="flex min-h-11 cursor-pointer items-center gap-3 rounded-lg px-3 text-base outline-none focused:bg-hover"
            >
              <Icon name={entry.icon} className="text-muted" />
              {entry.label}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}

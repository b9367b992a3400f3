/** The narrow column at the edge: where one is, what can be opened, who one is. */

import { useT } from '../../i18n/i18n.tsx'
import { unreadTotal } from '../../state/inbox.ts'
import { useActions, useConsole, useConsoleState } from '../console.tsx'
import { Avatar } from '../parts/Avatar.tsx'
import { IconButton } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { MODIFIER } from '../shortcuts.ts'
import { AlertsButton } from './AlertsButton.tsx'
import { ConnectionState } from './ConnectionState.tsx'

export function Rail() {
  const t = useT()
  const actions = useActions()
  const { host } = useConsole()
  const me = useConsoleState((state) => state.me)
  const unread = useConsoleState((state) => unreadTotal(state.inbox, state.me?.adminId ?? null))
  return (
    <nav
      aria-label={t('rail.label')}
      className="flex w-16 shrink-0 flex-col items-center gap-1 border-e border-line bg-app py-3"
    >
      <span
        aria-current="page"
        className="relative mb-1 grid size-10 place-items-center rounded-xl bg-accent-solid text-on-accent"
      >
        <Icon name="chat" size={20} />
        <span className="sr-only">{t('inbox.title')}</span>
        {unread > 0 && (
          <span
            aria-hidden="true"
            className="absolute -end-0.5 -top-0.5 size-3 rounded-full border-2 border-app bg-danger"
          />
        )}
      </span>
      <IconButton
        icon="search"
        label={t('palette.open')}
        shortcut={`${MODIFIER} K`}
        placement="right"
        onPress={() => actions.overlay('palette')}
        className="size-10"
      />
      <AlertsButton />
      <span className="mt-auto flex flex-col items-center gap-1">
        <ConnectionState isCompact />
        <IconButton
          icon="keyboard"
          label={t('shortcuts.title')}
          shortcut="?"
          placement="right"
          onPress={() => actions.overlay('shortcuts')}
          className="mt-1 size-10"
        />
        <IconButton
          icon="sliders"
          label={t('settings.title')}
          placement="right"
          onPress={() => actions.overlay('settings')}
          className="size-10"
        />
        {host.logoutUrl && (
          <IconButton
            icon="logout"
            label={t('rail.logout')}
            placement="right"
            onPress={() => leaveTo(host.logoutUrl)}
            className="size-10"
          />
        )}
        {me && (
          <span title={me.name ?? me.adminId} className="mt-1">
            <Avatar id={me.adminId} name={me.name ?? me.adminId} />
            <span className="sr-only">{t('rail.me', { name: me.name ?? me.adminId })}</span>
          </span>
        )}
      </span>
    </nav>
  )
}

export function leaveTo(url: string | null): void {
  if (url) location.assign(url)
}

/** Everything the console can do, and every conversation in memory, by typing a few letters. */

import { useFilter } from 'react-aria/useFilter'
import { Autocomplete } from 'react-aria-components/Autocomplete'
import { Header } from 'react-aria-components/Header'
import { Input } from 'react-aria-components/Input'
import { Menu, MenuItem, MenuSection } from 'react-aria-components/Menu'
import { SearchField } from 'react-aria-components/SearchField'
import { useT } from '../../i18n/i18n.tsx'
import { activityOf } from '../../state/inbox.ts'
import { useConsole } from '../console.tsx'
import { Avatar } from '../parts/Avatar.tsx'
import { Icon } from '../parts/Icon.tsx'
import { COMMANDS } from '../shortcuts.ts'
import { useVisitorName } from '../use-names.ts'
import { Keys } from './Keys.tsx'
import { Overlay } from './Overlay.tsx'

/** Conversations offered, the newest first. */
const CONVERSATIONS_MAX = 60
const ITEM =
  'flex min-h-10 cursor-pointer items-center gap-3 rounded-lg px-3 py-1.5 text-base outline-none focused:bg-hover'

export default function Palette() {
  const t = useT()
  const console = useConsole()
  const nameOf = useVisitorName()
  const { contains } = useFilter({ sensitivity: 'base' })
  const state = console.store.get()
  const commands = COMMANDS.filter((command) => command.isPossible(state))
  const rows = [...state.inbox.rows.values()]
    .sort((a, b) => (activityOf(a) < activityOf(b) ? 1 : -1))
    .slice(0, CONVERSATIONS_MAX)

  const run = (key: string) => {
    console.actions.overlay(null)
    const command = commands.find((one) => `command:${one.id}` === key)
    // After the palette has given the focus back, so that a command may move it.
    setTimeout(() => (command ? command.run(console) : console.actions.open(key.slice('row:'.length))), 0)
  }

  return (
    <Overlay title={t('palette.title')} isBare>
      <Autocomplete filter={contains}>
        <SearchField
          aria-label={t('palette.title')}
          autoFocus
          onKeyDown={(event) => {
            if (event.key === 'Escape') console.actions.overlay(null) // else the first one would only empty the field
          }}
          className="flex items-center gap-3 border-b border-line px-4"
        >
          <Icon name="search" className="text-faint" />
          <Input
            placeholder={t('palette.placeholder')}
            className="h-13 min-w-0 flex-1 text-lg outline-none [&::-webkit-search-cancel-button]:hidden"
          />
          <Keys keys={['Esc']} />
        </SearchField>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
        <div tabIndex={0} data-inset-focus className="kefu-scroll max-h-[50vh]">
          <Menu
            aria-label={t('palette.title')}
            onAction={(key) => run(String(key))}
            renderEmptyState={() => <p className="px-3 py-8 text-center text-sm text-muted">{t('palette.empty')}</p>}
            className="p-2 outline-none"
          >
            <MenuSection>
              <Header className="px-3 pt-2 pb-1 text-xs font-semibold text-faint">{t('palette.commands')}</Header>
              {commands.map((command) => (
                <MenuItem key={command.id} id={`command:${command.id}`} textValue={t(command.label)} className={ITEM}>
                  <Icon name={command.icon} size={16} className="text-muted" />
                  <span className="flex-1">{t(command.label)}</span>
                  {command.key && <Keys keys={[command.key]} />}
                </MenuItem>
              ))}
            </MenuSection>
            {rows.length > 0 && (
              <MenuSection>
                <Header className="px-3 pt-3 pb-1 text-xs font-semibold text-faint">
                  {t('palette.conversations')}
                </Header>
                {rows.map((row) => (
                  <MenuItem
                    key={row.conversationId}
                    id={`row:${row.conversationId}`}
                    textValue={`${nameOf(row)} ${row.preview} ${row.visitorEmail ?? ''}`}
                    className={ITEM}
                  >
                    <Avatar id={row.conversationId} name={row.visitorName} size="sm" />
                    <span dir="auto" className="shrink-0 font-medium">
                      {nameOf(row)}
                    </span>
                    <span dir="auto" className="min-w-0 flex-1 truncate text-sm text-muted">
                      {row.preview}
                    </span>
                  </MenuItem>
                ))}
              </MenuSection>
            )}
          </Menu>
        </div>
      </Autocomplete>
    </Overlay>
  )
}

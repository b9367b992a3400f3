/** The list of conversations: tabs with their numbers, order, and the rows of the chosen tab. */

import { type ReactNode, useMemo } from 'react'
import { Button as AriaButton } from 'react-aria-components/Button'
import { Menu, MenuItem, MenuTrigger } from 'react-aria-components/Menu'
import { Popover } from 'react-aria-components/Popover'
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components/Tabs'
import { useLocale, useT } from '../../i18n/i18n.tsx'
import { FILTERS, type Filter, listIds, type Sort, viewCounts } from '../../state/inbox.ts'
import { useActions, useConsoleState, useRoom } from '../console.tsx'
import { ConnectionState } from '../frame/ConnectionState.tsx'
import { TopMenu } from '../frame/TopMenu.tsx'
import { Icon } from '../parts/Icon.tsx'
import { EmptyInbox } from './EmptyInbox.tsx'
import { InboxList } from './InboxList.tsx'

const SORTS: readonly Sort[] = ['newest', 'waiting']

/** @param props.edge what stands at the pane's inner edge */
export function InboxPane({ edge }: { edge?: ReactNode }) {
  const t = useT()
  const actions = useActions()
  const room = useRoom()
  const filter = useConsoleState((state) => state.filter)
  const inbox = useConsoleState((state) => state.inbox)
  const sort = useConsoleState((state) => state.sort)
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const ids = useMemo(() => listIds(inbox, filter, me, sort), [inbox, filter, me, sort])
  const isLoading = !inbox.pages[filter].asked
  // The only pane in sight is what the page is about.
  const Pane = room === 'narrow' ? 'main' : 'section'

  return (
    <Pane aria-label={t('inbox.title')} className="relative flex h-full min-w-0 flex-col bg-surface">
      <header className="flex h-14 shrink-0 items-center gap-2 ps-4 pe-3">
        <h1 className="text-lg font-semibold tracking-tight">{t('inbox.title')}</h1>
        {room === 'narrow' && <ConnectionState />}
        <span className="ms-auto flex items-center gap-1">
          <SortMenu />
          {room === 'narrow' && <TopMenu />}
        </span>
      </header>
      <Tabs
        selectedKey={filter}
        onSelectionChange={(key) => actions.filter(key as Filter)}
        className="flex min-h-0 flex-1 flex-col"
      >
        <FilterTabs />
        <TabPanel id={filter} className="min-h-0 flex-1 outline-none">
          {ids.length > 0 ? <InboxList ids={ids} /> : <EmptyInbox filter={filter} isLoading={isLoading} />}
        </TabPanel>
      </Tabs>
      {edge}
    </Pane>
  )
}

function FilterTabs() {
  const t = useT()
  const locale = useLocale()
  const inbox = useConsoleState((state) => state.inbox)
  const me = useConsoleState((state) => state.me?.adminId ?? null)
  const counts = useMemo(() => viewCounts(inbox, me), [inbox, me])
  const number = new Intl.NumberFormat(locale, { notation: 'compact' })
  return (
    <TabList aria-label={t('inbox.tabs')} className="flex shrink-0 gap-4 border-b border-line px-4">
      {FILTERS.map((filter) => (
        <Tab
          key={filter}
          id={filter}
          data-inset-focus
          className="relative -mb-px flex cursor-pointer items-center gap-1.5 border-b-2 border-transparent pb-2 text-sm font-medium whitespace-nowrap text-muted outline-none hover:text-text selected:border-accent selected:text-text focus-visible:outline-2"
        >
          {t(`inbox.tab.${filter}`)}
          {counts !== null && filter !== 'closed' && counts[filter] > 0 && (
            <span className="min-w-4 rounded-full bg-hover px-1 text-center text-2xs font-semibold tabular-nums">
              {number.format(counts[filter])}
            </span>
          )}
        </Tab>
      ))}
    </TabList>
  )
}

function SortMenu() {
  const t = useT()
  const actions = useActions()
  const sort = useConsoleState((state) => state.sort)
  return (
    <MenuTrigger>
      <AriaButton
        aria-label={t('inbox.sort', { order: t(`inbox.sort.${sort}`) })}
        className="flex h-8 cursor-pointer items-center gap-1.5 rounded-lg px-2 text-xs font-medium text-muted hover:bg-hover hover:text-text"
      >
        <Icon name="sort" size={15} />
        {t(`inbox.sort.${sort}`)}
      </AriaButton>
      <Popover placement="bottom end" className="kefu-fade rounded-xl bg-raised p-1 shadow-pop">
        <Menu
          aria-label={t('inbox.sort.label')}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[sort]}
          onAction={(key) => actions.sort(key as Sort)}
          className="outline-none"
        >
          {SORTS.map((order) => (
            <MenuItem
              key={order}
              id={order}
              className="flex cursor-pointer items-center gap-2 rounded-lg py-1.5 ps-2 pe-4 text-sm outline-none focused:bg-hover"
            >
              <Icon name="check" size={15} className={order === sort ? '' : 'invisible'} />
              {t(`inbox.sort.${order}`)}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}

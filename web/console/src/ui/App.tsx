/** The console's frame: which panes there is room for, and what lies over them. */

import { lazy, Suspense, useEffect, useState } from 'react'
import { UNSAFE_PortalProvider } from 'react-aria/PortalProvider'
import { Dialog } from 'react-aria-components/Dialog'
import { I18nProvider } from 'react-aria-components/I18nProvider'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { LanguageProvider, languageOf, useT } from '../i18n/i18n.tsx'
import type { Overlay } from '../state/state.ts'
import { type Console, ConsoleContext, RoomContext, useActions, useConsoleState, useRoom } from './console.tsx'
import { ContextPane } from './context/ContextPane.tsx'
import { Banner } from './frame/Banner.tsx'
import { Boundary } from './frame/Boundary.tsx'
import { Rail } from './frame/Rail.tsx'
import { ToastList } from './frame/ToastList.tsx'
import { InboxPane } from './inbox/InboxPane.tsx'
import { Splitter } from './parts/Splitter.tsx'
import { listenToKeys, TOGGLE_CONTEXT } from './shortcuts.ts'
import { ThreadPane } from './thread/ThreadPane.tsx'
import { useRoomOf } from './use-room.ts'
import { useRootEvent } from './use-root-event.ts'
import { useTheme } from './use-theme.ts'

const Palette = lazy(() => import('./overlays/Palette.tsx'))
const Shortcuts = lazy(() => import('./overlays/Shortcuts.tsx'))
const Health = lazy(() => import('./overlays/Health.tsx'))
const SettingsDialog = lazy(() => import('./overlays/Settings.tsx'))

const LIST_PX = { min: 300, max: 360 }
const CONTEXT_PX = { min: 280, max: 360 }

export function App({ console }: { console: Console }) {
  return (
    <ConsoleContext value={console}>
      <Localized console={console} />
    </ConsoleContext>
  )
}

function Localized({ console }: { console: Console }) {
  const { root, locale } = console.host
  const chosen = useConsoleState((state) => state.settings.language)
  const language = languageOf(chosen, locale)
  const room = useRoomOf(root)
  useTheme(root)
  useEffect(() => {
    root.lang = language
  }, [root, language])
  useEffect(() => listenToKeys(console), [console])
  return (
    <LanguageProvider language={language}>
      <I18nProvider locale={language}>
        <UNSAFE_PortalProvider getContainer={() => root}>
          <RoomContext value={room}>
            <Boundary>
              <Frame />
            </Boundary>
          </RoomContext>
        </UNSAFE_PortalProvider>
      </I18nProvider>
    </LanguageProvider>
  )
}

function Frame() {
  const room = useRoom()
  const overlay = useConsoleState((state) => state.overlay)
  return (
    <div className="flex h-full">
      {room !== 'narrow' && <Rail />}
      <div className="relative flex min-w-0 flex-1 flex-col">
        <Banner />
        <div className="flex min-h-0 flex-1">
          <Panes />
        </div>
        <ToastList />
      </div>
      <Boundary key={overlay}>
        <Suspense>{overlay && <OverlayView overlay={overlay} />}</Suspense>
      </Boundary>
    </div>
  )
}

function OverlayView({ overlay }: { overlay: Exclude<Overlay, null> }) {
  if (overlay === 'palette') return <Palette />
  if (overlay === 'health') return <Health />
  return overlay === 'settings' ? <SettingsDialog /> : <Shortcuts />
}

function Panes() {
  const t = useT()
  const room = useRoom()
  const actions = useActions()
  const openId = useConsoleState((state) => state.openId)
  const { listWidth } = useConsoleState((state) => state.settings)
  if (room === 'narrow') return <div className="min-w-0 flex-1">{openId ? <ThreadWithDrawer /> : <InboxPane />}</div>
  return (
    <>
      <div className="shrink-0" style={{ width: listWidth }}>
        <InboxPane
          edge={
            <Splitter
              label={t('pane.list')}
              value={listWidth}
              {...LIST_PX}
              side="start"
              onChange={(width) => actions.settings({ listWidth: width })}
            />
          }
        />
      </div>
      {room === 'wide' ? <ThreadWithContext /> : <ThreadWithDrawer />}
    </>
  )
}

function ThreadWithContext() {
  const t = useT()
  const actions = useActions()
  const hasOpen = useConsoleState((state) => state.openId !== null)
  const { contextOpen, contextWidth } = useConsoleState((state) => state.settings)
  const toggle = () => actions.settings({ contextOpen: !contextOpen })
  useRootEvent(TOGGLE_CONTEXT, toggle)
  return (
    <>
      <div className="min-w-0 flex-1">
        <ThreadPane isContextShown={contextOpen} onToggleContext={toggle} />
      </div>
      {contextOpen && hasOpen && (
        <div className="shrink-0" style={{ width: contextWidth }}>
          <ContextPane
            onClose={toggle}
            edge={
              <Splitter
                label={t('pane.context')}
                value={contextWidth}
                {...CONTEXT_PX}
                side="end"
                onChange={(width) => actions.settings({ contextWidth: width })}
              />
            }
          />
        </div>
      )}
    </>
  )
}

function ThreadWithDrawer() {
  const t = useT()
  const [isShown, show] = useState(false)
  useRootEvent(TOGGLE_CONTEXT, () => show(!isShown))
  const openId = useConsoleState((state) => state.openId)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation closes the drawer of the last one
  useEffect(() => show(false), [openId])
  return (
    <>
      <div className="h-full min-w-0 flex-1">
        <ThreadPane isContextShown={isShown} onToggleContext={() => show(!isShown)} />
      </div>
      <ModalOverlay
        isOpen={isShown}
        onOpenChange={show}
        isDismissable
        className="kefu-fade fixed inset-0 z-50 flex justify-end bg-scrim"
      >
        <Modal className="kefu-slide h-full w-full max-w-[340px] bg-surface shadow-pop">
          <Dialog aria-label={t('context.title')} className="h-full outline-none">
            <ContextPane onClose={() => show(false)} />
          </Dialog>
        </Modal>
      </ModalOverlay>
    </>
  )
}

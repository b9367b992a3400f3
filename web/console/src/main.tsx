/** Starts the console on a page: finds its place, makes its session, draws it. The composition root of the browser's side. */

import { createRoot } from 'react-dom/client'
import './styles/console.css'
import type { Host } from './host.ts'
import { languageOf, translatorFor } from './i18n/i18n.tsx'
import { Alerts } from './session/alerts.ts'
import { createSession } from './session/session.ts'
import { loadSettings, pageStorage } from './state/settings.ts'
import { type ConsoleState, INITIAL_STATE } from './state/state.ts'
import { createStore } from './state/store.ts'
import { App } from './ui/App.tsx'
import { visitorName } from './ui/use-names.ts'

/** React Aria would add a style element under this id, which a strict content policy refuses; `base.css` has its rule. */
const PRESSABLE_STYLE_ID = 'react-aria-pressable-style'

export function mount(host: Host): () => void {
  host.root.classList.add('kefu')
  claimStyleId()
  const store = createStore<ConsoleState>({ ...INITIAL_STATE, settings: loadSettings(pageStorage()) })
  const session = createSession({
    store,
    server: host.server,
    tokenUrl: host.tokenUrl,
    onRow: (row, before) => alerts.row(row, before),
  })
  const text = () => translatorFor(languageOf(store.get().settings.language, host.locale))
  const alerts = new Alerts(
    store,
    {
      name: (row) => visitorName(row, text()),
      title: (unread) => text()(unread > 0 ? 'title.unread' : 'title', { count: unread }),
    },
    session.actions.open,
  )
  const root = createRoot(host.root)
  root.render(<App console={{ store, actions: session.actions, host }} />)
  session.start()
  return () => {
    session.stop()
    alerts.stop()
    root.unmount()
    host.root.classList.remove('kefu')
  }
}

function claimStyleId(): void {
  if (document.getElementById(PRESSABLE_STYLE_ID)) return
  const claim = document.createElement('meta')
  claim.id = PRESSABLE_STYLE_ID
  document.head.append(claim)
}

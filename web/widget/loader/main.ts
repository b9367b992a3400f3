// The script that host pages include. Puts one global into the page, `KefuChat`, and the launcher; a page that already
// has them is left alone. Whatever goes wrong here stays here: the host page always wins.
import { Chat } from './chat.ts'
import { filesUrl, ownScript, type RawConfig, readConfig } from './config.ts'

const METHODS = ['open', 'close', 'toggle', 'show', 'hide', 'isOpen', 'setLocale', 'on', 'off'] as const

type Callable = ((method: string, ...args: never[]) => unknown) & Record<string, unknown>

/** Before the script: `window.KefuChat ||= (...call) => (KefuChat.q ||= []).push(call)`. */
interface Stub {
  q?: Iterable<[string, ...never[]]>
  isKefu?: boolean
}

function start(): void {
  const script = ownScript()
  const name = script?.dataset.global || 'KefuChat'
  const page = window as unknown as Record<string, unknown>
  const stub = page[name] as Stub | undefined
  if (stub?.isKefu) return

  const config = readConfig(page.ChatWidgetConfig as RawConfig | undefined, script)
  const chat = new Chat(config, filesUrl(config, script))
  const api = ((method, ...args) => (api[method] as Callable)(...(args as never as [string]))) as Callable
  for (const method of METHODS) api[method] = (chat[method] as Callable).bind(chat)
  api.once = (event: 'open', listener: (payload: undefined) => void) => {
    const detach = chat.on(event, (payload) => {
      detach()
      listener(payload)
    })
    return detach
  }
  api.destroy = () => {
    chat.destroy()
    delete page[name]
  }
  api.isKefu = true
  page[name] = api

  const enter = () => {
    chat.attach((config.mountSelector && document.querySelector(config.mountSelector)) || document.body)
    for (const queued of stub?.q ?? []) attempt(() => api(...queued))
    chat.emit('ready', undefined)
  }
  if (document.body) enter()
  else document.addEventListener('DOMContentLoaded', () => attempt(enter))
}

function attempt(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    console.warn('KefuChat:', error)
  }
}

attempt(start)

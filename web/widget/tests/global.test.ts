import { afterEach, beforeEach, expect, test, vi } from 'vitest'

type Global = ((method: string, ...args: unknown[]) => unknown) & Record<string, (...args: unknown[]) => unknown>
const page = window as unknown as { KefuChat?: Global; ChatWidgetConfig?: object; ourChat?: Global }

const module = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`

// The files to load are data addresses here, so nothing stands before them.
vi.mock('../loader/config.ts', async (original) => ({ ...(await original<object>()), filesUrl: () => '' }))

/** Runs the loader as another script tag would. */
async function include(): Promise<void> {
  vi.resetModules()
  await import('../loader/main.ts')
}

beforeEach(() => {
  document.body.replaceChildren()
  document.documentElement.lang = 'en'
  vi.stubGlobal(
    '__PANEL_FILE__',
    module(`export const mount = () => new Proxy({}, { get: (_, name) => name === 'then' ? undefined : () => {} })`),
  )
  vi.stubGlobal('__LOCALE_FILES__', { en: module('export default {}'), 'zh-CN': '' })
})
afterEach(() => {
  page.KefuChat?.destroy?.()
  delete page.ChatWidgetConfig
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

test('one global, one launcher, however often the script is included', async () => {
  await include()
  const first = page.KefuChat
  await include()
  expect(page.KefuChat).toBe(first)
  expect(document.querySelectorAll('kefu-chat')).toHaveLength(1)
})

test('calls that came before the script are made after it', async () => {
  const queue: unknown[][] = []
  const stub = Object.assign((...call: unknown[]) => void queue.push(call), { q: queue })
  page.KefuChat = stub as unknown as Global
  const ready = vi.fn()
  page.KefuChat('on', 'ready', ready)
  page.KefuChat('hide')
  await include()
  expect(ready).toHaveBeenCalledOnce()
  expect(document.querySelector('kefu-chat')?.shadowRoot?.querySelector('button')?.hidden).toBe(true)
})

test('methods and calls by name are the same', async () => {
  await include()
  expect(page.KefuChat?.isOpen?.()).toBe(false)
  expect(page.KefuChat?.('isOpen')).toBe(false)
  expect(() => page.KefuChat?.('nothing')).toThrow(TypeError)
})

test('a wrong queued call ends neither the page nor the widget', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  page.KefuChat = Object.assign(() => {}, { q: [['nothing']] }) as unknown as Global
  await include()
  expect(warn).toHaveBeenCalledOnce()
  expect(document.querySelector('kefu-chat')).not.toBeNull()
})

test('once hears once, off hears no more', async () => {
  await include()
  const heard: string[] = []
  const every = () => heard.push('every')
  page.KefuChat?.once?.('open', () => heard.push('once'))
  page.KefuChat?.on?.('open', every)
  for (let count = 0; count < 2; count++) {
    await page.KefuChat?.open?.()
    page.KefuChat?.close?.()
  }
  page.KefuChat?.off?.('open', every)
  await page.KefuChat?.open?.()
  expect(heard).toEqual(['once', 'every', 'every'])
})

test('stands where the page wants it, or in the body', async () => {
  document.body.innerHTML = '<div id="here"></div>'
  page.ChatWidgetConfig = { mountSelector: '#here' }
  await include()
  expect(document.querySelector('#here > kefu-chat')).not.toBeNull()
})

test('destroy takes the global away, and the script can come again', async () => {
  await include()
  page.KefuChat?.destroy?.()
  expect([page.KefuChat, document.querySelector('kefu-chat')]).toEqual([undefined, null])
  await include()
  expect(page.KefuChat).toBeDefined()
})

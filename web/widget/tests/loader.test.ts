import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PanelHost } from '../contract.ts'
import { STORED } from '../contract.ts'
import { Chat } from '../loader/chat.ts'
import { readConfig } from '../loader/config.ts'
import { NOTICE_SHOWN_MS } from '../loader/launcher.ts'

// The files that the loader imports: modules whose text is in their address, so that importing is real.
// The comment at the end takes in the query of a retry.
const module = (code: string) => `data:text/javascript,${encodeURIComponent(code)}//`
const PANEL = module(`export const mount = (host) => globalThis.kefuTest.mount(host)`)
const TEXTS = module(`export default { title: 'a catalogue' }`)

let calls: string[]
let host: PanelHost
let chat: Chat

function create(panel = PANEL, config = {}): Chat {
  vi.stubGlobal('__PANEL_FILE__', panel)
  vi.stubGlobal('__LOCALE_FILES__', { en: TEXTS, 'zh-CN': TEXTS })
  chat = new Chat(readConfig(config, undefined), '')
  chat.attach(document.body)
  return chat
}
const root = () => document.querySelector('kefu-chat')?.shadowRoot as ShadowRoot
const button = () => root().querySelector('button') as HTMLButtonElement
const note = (name: string) => () => void calls.push(name)

beforeEach(() => {
  document.body.replaceChildren()
  document.documentElement.lang = 'en'
  localStorage.clear()
  calls = []
  const mount = (given: PanelHost) => {
    host = given
    calls.push('mount')
    const open = (moveFocus: boolean) => void calls.push(`open ${moveFocus}`)
    return { open, start: note('start'), close: note('close'), destroy: note('destroy'), setTexts: note('setTexts') }
  }
  vi.stubGlobal('kefuTest', { mount })
})
afterEach(() => {
  chat.destroy()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('before the visitor acts', () => {
  test('nothing is loaded and nothing is stored', async () => {
    create()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([calls, localStorage.length]).toEqual([[], 0])
  })

  test('the launcher is a button that says what it does', () => {
    create()
    expect(button().getAttribute('aria-label') ?? button().ariaLabel).toBe('Chat with us')
    expect(button().ariaExpanded).toBe('false')
  })

  test('a text on the button is part of its name', () => {
    create(PANEL, { buttonText: 'Need help?' })
    host = undefined as never
    expect(button().textContent).toBe('Need help?')
    expect(button().ariaLabel).toBe('Need help?')
  })

  test('a pointer over the launcher loads the panel, without opening it', async () => {
    create()
    button().dispatchEvent(new PointerEvent('pointerenter'))
    await vi.waitFor(() => expect(calls).toEqual(['mount']))
  })

  test('a visitor with an open conversation is connected, others are not', async () => {
    localStorage.setItem(STORED.sessionId, 'v_0123456789abcdef')
    create()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(calls).toEqual([])
    chat.destroy()
    localStorage.setItem(STORED.active, '1')
    create()
    await vi.waitFor(() => expect(calls).toEqual(['mount', 'start']))
  })
})

describe('open and close', () => {
  test('by the button, with the panel loaded once', async () => {
    create()
    button().click()
    await vi.waitFor(() => expect(calls).toEqual(['mount', 'open true']))
    expect([chat.isOpen(), button().ariaExpanded, button().ariaLabel]).toEqual([true, 'true', 'Close chat'])
    button().click()
    expect([chat.isOpen(), button().ariaExpanded]).toEqual([false, 'false'])
    await chat.open()
    expect(calls).toEqual(['mount', 'open true', 'close', 'open true'])
  })

  test('closed again while loading stays closed', async () => {
    create()
    const opening = chat.open()
    chat.close()
    await opening
    expect(calls).toEqual(['mount'])
  })

  test('focus comes back to the launcher when the person closes the panel', async () => {
    create()
    await chat.open()
    host.closed(true)
    expect([chat.isOpen(), root().activeElement]).toEqual([false, button()])
  })

  test('tells what happens', async () => {
    create()
    const told: string[] = []
    const detach = chat.on('open', () => told.push('open'))
    chat.on('close', () => told.push('close'))
    await chat.open()
    chat.close()
    detach()
    await chat.open()
    expect(told).toEqual(['open', 'close'])
  })

  test('hide takes the launcher away, show brings it back', async () => {
    create()
    await chat.open()
    chat.hide()
    expect([chat.isOpen(), button().hidden]).toEqual([false, true])
    chat.show()
    expect(button().hidden).toBe(false)
  })
})

describe('unread', () => {
  test('is on the badge and in the name', async () => {
    create()
    await chat.open()
    chat.close()
    host.tell('unread', { count: 3 })
    expect([root().querySelector('.badge')?.textContent, button().ariaLabel]).toEqual(['3', 'Chat with us, 3 unread'])
    host.tell('unread', { count: 200 })
    expect(root().querySelector('.badge')?.textContent).toBe('99+')
    host.tell('unread', { count: 0 })
    expect([root().querySelector('.badge')?.textContent, button().ariaLabel]).toEqual(['', 'Chat with us'])
  })
})

describe('when the panel cannot be had', () => {
  test('the page gets a notice and no error, and the next click tries again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    create(module('throw new Error("blocked")'))
    await chat.open()
    const notice = root().querySelector('.notice')
    expect([chat.isOpen(), notice?.textContent]).toEqual([false, expect.stringContaining('try again')])
    vi.advanceTimersByTime(NOTICE_SHOWN_MS)
    expect(notice?.textContent).toBe('')
    vi.stubGlobal('__PANEL_FILE__', PANEL)
    await chat.open()
    expect([calls, chat.isOpen()]).toEqual([['mount', 'open true'], true])
  })
})

test('setLocale changes launcher and panel', async () => {
  create()
  await chat.open()
  chat.close()
  await chat.setLocale('zh')
  expect(button().ariaLabel).toBe('联系客服')
  expect(calls.at(-1)).toBe('setTexts')
})

test('destroy leaves no trace', async () => {
  create()
  await chat.open()
  chat.destroy()
  expect([document.querySelector('kefu-chat'), calls.at(-1)]).toEqual([null, 'destroy'])
})

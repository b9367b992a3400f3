import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeServer } from '../../client/tests/fake-server.ts'
import { type ChatEvents, type Panel, STORED } from '../contract.ts'
import en from '../locales/en.json'
import zh from '../locales/zh-CN.json'
import { ANNOUNCE_WAIT_MS } from '../panel/announcer.ts'

let server: FakeServer
vi.mock('socket.io-client', () => ({ io: (origin: string, options: object) => server.open(origin, options) }))
const { mount } = await import('../panel/mount.tsx')

let panel: Panel
let shadow: ShadowRoot
let told: [keyof ChatEvents, unknown][]
let closed: boolean[]

const config = { base: 'https://chat.example', mountSelector: '', buttonText: '' }
function create(): void {
  const host = document.createElement('div')
  document.body.replaceChildren(host)
  shadow = host.attachShadow({ mode: 'open' })
  panel = mount({
    shadow,
    config: { ...config, visitorName: 'Mei', visitorEmail: '', visitorPhone: '' },
    locale: 'en',
    texts: en,
    tell: (event, payload) => void told.push([event, payload]),
    closed: (returnFocus) => void closed.push(returnFocus),
  })
}
const find = <Found extends Element = HTMLElement>(selector: string) => shadow.querySelector<Found>(selector) as Found
const texts = (selector: string) => [...shadow.querySelectorAll(selector)].map(({ textContent }) => textContent)
const dialog = () => find<HTMLDialogElement>('dialog')
async function opened(): Promise<void> {
  create()
  panel.open(true)
  server.socket.accept()
  await vi.waitFor(() => expect(find('.who p').textContent).toBe(en['state.ready']))
}
async function send(text: string): Promise<void> {
  find<HTMLTextAreaElement>('textarea').value = text
  find('textarea').dispatchEvent(new InputEvent('input', { bubbles: true }))
  find('textarea').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))
  await vi.waitFor(() => expect(texts('.own .bubble')).toContain(text))
}

beforeEach(() => {
  server = new FakeServer()
  told = []
  closed = []
  localStorage.clear()
})
afterEach(() => {
  panel.destroy()
  vi.unstubAllGlobals()
})

describe('before it is opened', () => {
  test('nothing is shown, stored or connected', async () => {
    vi.stubGlobal('indexedDB', new IDBFactory())
    create()
    expect([dialog().open, localStorage.length, server.socket.connects]).toEqual([false, 0, 0])
    expect(await indexedDB.databases()).toEqual([])
  })

  test('start connects and shows nothing', () => {
    create()
    panel.start()
    expect([dialog().open, server.socket.connects]).toEqual([false, 1])
  })
})

describe('opened', () => {
  test('says who is there and welcomes', async () => {
    await opened()
    expect(server.socket.payloads('visitor_hello')[0]).toMatchObject({ visitorName: 'Mei', locale: 'en', defer: true })
    expect([dialog().open, find('.welcome h3').textContent]).toEqual([true, en['welcome.title']])
    expect(localStorage.getItem(STORED.sessionId)).toMatch(/^v_/)
  })

  test('a message is there at once, then sent, then read', async () => {
    await opened()
    await send('hello')
    await vi.waitFor(() => expect(texts('.delivery')).toEqual(['Sent']))
    server.tell('read', { conversationId: 'c1', senderType: 'admin', seq: 1, adminId: null })
    await vi.waitFor(() => expect(texts('.delivery')).toEqual(['Read']))
    expect(told.map(([event]) => event)).toEqual(
      expect.arrayContaining(['message:queued', 'conversation:start', 'message:sent']),
    )
    expect(localStorage.getItem(STORED.active)).toBe('1')
  })

  test('what is written without a connection waits and says so', async () => {
    create()
    panel.open(true)
    await send('early')
    expect(texts('.delivery')).toEqual(['Waiting to send'])
    server.socket.accept()
    await vi.waitFor(() => expect(texts('.delivery')).toEqual(['Sent']))
  })

  test('a refused message can be edited, and goes then', async () => {
    server.intercept = (event) =>
      event === 'visitor_message' ? { ok: false, error: 'INVALID_INPUT', message: 'no' } : undefined
    await opened()
    await send('teh tea')
    await vi.waitFor(() => expect(find('.failure').textContent).toContain('did not accept'))
    find('.deeds button:nth-child(2)').click()
    await vi.waitFor(() => expect(find<HTMLTextAreaElement>('textarea').value).toBe('teh tea'))
    server.intercept = () => undefined
    await send('the tea')
    await vi.waitFor(() => expect(texts('.delivery')).toEqual(['Sent']))
    expect(texts('.own .bubble')).toEqual(['the tea'])
  })

  test('markup in a message stays text, and only good links are links', async () => {
    server.store('<img src=x onerror=alert(1)> https://a.example javascript:alert(1)', 'admin')
    await opened()
    await vi.waitFor(() => expect(find('.other .bubble')).not.toBeNull())
    expect(find('.bubble img')).toBeNull()
    expect(texts('.bubble a')).toEqual(['https://a.example'])
    expect(find<HTMLAnchorElement>('.bubble a').rel.split(' ')).toEqual(['noopener', 'nofollow', 'noreferrer'])
  })

  test('quick replies send their text and go', async () => {
    await opened()
    const asked = server.store('Which one?', 'admin', null, false)
    const metadataJson = JSON.stringify({ quickReplies: ['Green', 'Black'] })
    server.tell('conversation_open', { conversationId: 'c1', status: 'open', seq: 0, epoch: 'epoch-1' })
    server.tell('message_new', { ...asked, metadataJson })
    await vi.waitFor(() => expect(texts('.replies button')).toEqual(['Green', 'Black']))
    find('.replies button').click()
    await vi.waitFor(() => expect(texts('.own .bubble')).toEqual(['Green']))
    expect(find('.replies')).toBeNull()
  })

  test('the agent types, then writes: shown, read and announced', async () => {
    server.store('hello', 'visitor')
    await opened()
    server.tell('typing', { conversationId: 'c1', senderType: 'admin', typing: true, author: { name: 'Lin' } })
    await vi.waitFor(() => expect(find('.typing').textContent).toBe('Lin is typing'))
    server.store('hi there', 'admin')
    await vi.waitFor(() => expect(texts('.other .bubble')).toEqual(['hi there']))
    expect([find('.typing'), find('#title').textContent]).toEqual([null, 'Lin'])
    await vi.waitFor(() => expect(find('dialog > .said').textContent).toBe('Lin: hi there'), 3 * ANNOUNCE_WAIT_MS)
    expect(server.socket.payloads('visitor_read')).toMatchObject([{ seq: 2 }])
  })

  test('a network that was away for so short that the connection outlived it is back', async () => {
    await opened()
    window.dispatchEvent(new Event('offline'))
    await vi.waitFor(() => expect(find('.banner')).not.toBeNull())
    window.dispatchEvent(new Event('online'))
    await vi.waitFor(() => expect(find('.banner')).toBeNull())
  })

  test('Escape closes it and asks for the focus to go back', async () => {
    await opened()
    find('textarea').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))
    expect([dialog().open, closed]).toEqual([false, [true]])
  })

  test('speaks another language at once', async () => {
    await opened()
    panel.setTexts('zh-CN', zh)
    await vi.waitFor(() => expect(find('.welcome h3').textContent).toBe(zh['welcome.title']))
    expect(dialog().lang).toBe('zh-CN')
  })
})

describe('closed again', () => {
  test('new messages are unread, announced, and under a line when it opens', async () => {
    server.store('hello', 'visitor')
    await opened()
    await vi.waitFor(() => expect(texts('.bubble')).toEqual(['hello']))
    panel.close()
    server.store('are you there?', 'admin')
    await vi.waitFor(() => expect(told).toContainEqual(['unread', { count: 1 }]))
    await vi.waitFor(() => expect(texts('div.said')).toContain('Lin: are you there?'), 3 * ANNOUNCE_WAIT_MS)
    panel.open(true)
    expect(texts('.new')).toEqual(['New'])
    await vi.waitFor(() => expect(told.at(-1)).toEqual(['unread', { count: 0 }]))
  })

  test('the draft is there after a reload', async () => {
    await opened()
    find<HTMLTextAreaElement>('textarea').value = 'half a sen'
    find('textarea').dispatchEvent(new InputEvent('input', { bubbles: true }))
    panel.destroy()
    create()
    expect(find<HTMLTextAreaElement>('textarea').value).toBe('half a sen')
  })
})

test('destroy leaves nothing in the shadow root and ends the connection', async () => {
  await opened()
  panel.destroy()
  expect(shadow.childNodes).toHaveLength(0)
  expect(server.socket.connected).toBe(false)
})

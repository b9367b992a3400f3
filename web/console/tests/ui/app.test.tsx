import { act } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { App } from '../../src/ui/App.tsx'
import { roomOf } from '../../src/ui/use-room.ts'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'

let drawing: Drawing
let width = 1440

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockImplementation(() => width)
})
afterEach(async () => {
  await drawing.end()
  vi.restoreAllMocks()
})

async function drawApp(change: Parameters<typeof stateWith>[1] = {}) {
  drawing = await draw(null, { state: stateWith(undefined, change) })
  const { root, store, actions } = drawing
  const host = {
    root,
    server: 'https://chat.example',
    tokenUrl: '/t',
    loginUrl: null,
    logoutUrl: '/out',
    locale: 'zh-CN',
  }
  const { createRoot } = await import('react-dom/client')
  const place = document.createElement('div')
  root.append(place)
  const app = createRoot(place)
  await act(async () => app.render(<App console={{ store, actions, host }} />))
  return () => act(async () => app.unmount())
}

it('says which language it speaks and which theme it wears', async () => {
  width = 1440
  const end = await drawApp()
  expect(drawing.root.lang).toBe('zh-CN')
  expect(drawing.root.dataset.theme).toBe('light')
  await drawing.change((state) => ({ ...state, settings: { ...state.settings, theme: 'dark', language: 'en' } }))
  expect(drawing.root.lang).toBe('en')
  expect(drawing.root.dataset.theme).toBe('dark')
  expect(drawing.root.textContent).toContain('Unassigned')
  await end()
})

it('shows the panes that there is room for', async () => {
  const landmarks = () =>
    [...drawing.root.querySelectorAll('nav, section[aria-label], main, aside')].map((one) => one.tagName)
  width = 1440
  let end = await drawApp({ openId: 'c1' })
  expect(landmarks()).toEqual(['NAV', 'SECTION', 'MAIN', 'ASIDE'])
  await end()
  await drawing.end()
  width = 1024
  end = await drawApp({ openId: 'c1' })
  expect(landmarks()).toEqual(['NAV', 'SECTION', 'MAIN'])
  await end()
  await drawing.end()
  width = 390
  end = await drawApp()
  expect(landmarks()).toEqual(['MAIN'])
  await drawing.change((state) => ({ ...state, openId: 'c1' }))
  await drawing.click(drawing.button('返回列表'))
  expect(drawing.actions.open).toHaveBeenCalledWith(null)
  await end()
})

it('knows its room by its own width', () => {
  expect([390, 767, 768, 1199, 1200, 2560].map(roomOf)).toEqual([
    'narrow',
    'narrow',
    'medium',
    'medium',
    'wide',
    'wide',
  ])
})

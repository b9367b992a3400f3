import { act } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Banner } from '../../src/ui/frame/Banner.tsx'
import { ConnectionState } from '../../src/ui/frame/ConnectionState.tsx'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'

let drawing: Drawing
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  await drawing.end()
  vi.useRealTimers()
})

const later = () => act(() => vi.advanceTimersByTimeAsync(2000))

it('says nothing of a short break, and goes as soon as the connection is back', async () => {
  drawing = await draw(<Banner />, { language: 'zh-CN' })
  await drawing.change((state) => ({ ...state, connection: 'offline' }))
  expect(drawing.root.textContent).toBe('')
  await later()
  expect(drawing.root.textContent).toContain('Live Chat 服务未连接，正在重连…')
  await drawing.click(drawing.button('立即重试'))
  expect(drawing.actions.tryNow).toHaveBeenCalled()
  await drawing.change((state) => ({ ...state, connection: 'online' }))
  expect(drawing.root.textContent).toBe('')
})

it('asks for a login, in another tab so that nothing is lost', async () => {
  drawing = await draw(<Banner />, { state: stateWith(undefined, { trouble: 'login' }) })
  await later()
  const link = drawing.root.querySelector('a')
  expect(link?.getAttribute('href')).toBe('/admin/login')
  expect(link?.getAttribute('target')).toBe('_blank')
  expect(drawing.root.textContent).toContain('Please log in again.')
})

it('says what an administrator has to look at', async () => {
  drawing = await draw(<Banner />, { state: stateWith(undefined, { trouble: 'misconfigured', connection: 'offline' }) })
  await later()
  expect(drawing.root.textContent).toContain('does not issue agent tokens')
})

it('the connection is always in sight', async () => {
  drawing = await draw(<ConnectionState />)
  expect(drawing.find('connection').dataset.state).toBe('online')
  await drawing.change((state) => ({ ...state, connection: 'offline' }))
  expect(drawing.find('connection').textContent).toBe('Offline')
})

import { beforeEach, expect, it } from 'vitest'
import { findHost, serverOf } from '../src/host.ts'

beforeEach(() => document.body.replaceChildren())

it('the server is where the script came from, prefix included', () => {
  expect(serverOf('https://chat.example/chat/console/console.js')).toBe('https://chat.example')
  expect(serverOf('https://a.example/live/chat/console/console.js?v=2')).toBe('https://a.example/live')
  expect(serverOf('https://a.example/console/console.js')).toBe('https://a.example')
})

it('a page with only the script gets a root that fills it, and the defaults of the contract', () => {
  const host = findHost(document, 'https://chat.example/chat/console/console.js')
  expect(host).toMatchObject({
    server: 'https://chat.example',
    tokenUrl: '/api/admin/chat/token',
    logoutUrl: null,
    locale: '',
  })
  expect(host.root.dataset.fill).toBe('page')
  expect(host.root.isConnected).toBe(true)
})

it('the page’s own element says what it wants', () => {
  const root = document.createElement('div')
  root.id = 'kefu-console'
  Object.assign(root.dataset, { server: 'https://b.example/x/', tokenUrl: '/t', locale: 'zh-CN', logoutUrl: '/out' })
  document.body.append(root)
  expect(findHost(document, 'https://chat.example/chat/console/console.js')).toEqual({
    root,
    server: 'https://b.example/x',
    tokenUrl: '/t',
    loginUrl: null,
    logoutUrl: '/out',
    locale: 'zh-CN',
  })
})

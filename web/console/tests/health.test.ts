import { expect, it, vi } from 'vitest'
import { askHealth } from '../src/session/health.ts'

const FINDING = {
  code: 'origin_refused_lately',
  severity: 'warning',
  subject: 'origins',
  found: 'refused',
  change: 'CHAT_ALLOWED_ORIGINS=https://shop.example',
  facts: {},
  file: null,
}

function ask(answer: Response | Error, token: string | null = 't0') {
  const fetch = vi.fn(() => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)))
  const asked = askHealth({
    server: 'https://chat.example',
    language: 'zh-CN',
    token: () => Promise.resolve(token),
    fetch: fetch as unknown as typeof globalThis.fetch,
  })
  return { asked, fetch }
}

it('asks chat-server in the language shown, with the token and no cookie', async () => {
  const { asked, fetch } = ask(Response.json({ findings: [FINDING], seen: {} }))
  expect(await asked).toEqual([FINDING])
  const [url, options] = fetch.mock.calls[0] as unknown as [string, RequestInit]
  expect(url).toBe('https://chat.example/chat/api/admin/doctor?lang=zh-CN')
  expect(options.headers).toEqual({ Authorization: 'Bearer t0' })
  expect(options.credentials).toBe('omit')
})

it('says what kept it from an answer, and never throws', async () => {
  expect(await ask(Response.json({}, { status: 403 })).asked).toBe('forbidden')
  expect(await ask(Response.json({}, { status: 404 })).asked).toBe('failed')
  expect(await ask(new TypeError('network')).asked).toBe('failed')
  expect(await ask(new Response('no json')).asked).toBe('failed')
  const without = ask(Response.json({}), null)
  expect(await without.asked).toBe('failed')
  expect(without.fetch).not.toHaveBeenCalled()
})

import { act } from 'react'
import { afterEach, expect, it } from 'vitest'
import Health from '../../src/ui/overlays/Health.tsx'
import Settings from '../../src/ui/overlays/Settings.tsx'
import { COMMANDS } from '../../src/ui/shortcuts.ts'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'

let drawing: Drawing
afterEach(() => drawing.end())

const LINE = 'CHAT_ALLOWED_ORIGINS=https://shop.example,https://www.shop.example'
const FINDING = {
  code: 'origin_refused_lately',
  severity: 'warning',
  subject: 'origins',
  found: 'https://www.shop.example was refused',
  change: LINE,
  facts: {},
  file: null,
}
const owner = stateWith(undefined, { me: { adminId: 'a', role: 'owner', name: 'Wu' } })
const shown = () => document.querySelector('[data-testid="health"]')?.textContent ?? ''
const button = (name: string) =>
  [...document.querySelectorAll('button')].find((one) => (one.getAttribute('aria-label') ?? one.textContent) === name)

async function open(answer: unknown, language: 'en' | 'zh-CN' = 'en') {
  drawing = await draw(null, { state: owner, language })
  drawing.actions.health.mockResolvedValue(answer)
  await drawing.show(<Health />)
  await act(async () => undefined)
}

it('shows each finding with the line to change and its code', async () => {
  await open([FINDING])
  expect(shown()).toContain('Warning: https://www.shop.example was refused')
  expect(shown()).toContain(LINE)
  expect(shown()).toContain('origin_refused_lately')
  expect(drawing.actions.health).toHaveBeenCalledWith('en')
})

it('says that nothing is wrong, in the language of the console', async () => {
  await open([], 'zh-CN')
  expect(shown()).toBe('没有发现问题。')
  expect(drawing.actions.health).toHaveBeenCalledWith('zh-CN')
})

it('says when it is not for this agent or there is no answer, and asks again', async () => {
  await open('forbidden')
  expect(shown()).toBe('Only owners see this.')
  drawing.actions.health.mockResolvedValue('failed')
  await drawing.click(button('Look again') as HTMLElement)
  expect(shown()).toBe('The server did not answer. Please try again.')
  expect(drawing.actions.health).toHaveBeenCalledTimes(2)
})

it('is offered to owners only', async () => {
  const isOffered = COMMANDS.find((one) => one.id === 'health')?.isPossible
  expect(isOffered?.(owner)).toBe(true)
  expect(isOffered?.(stateWith())).toBe(false)
  drawing = await draw(<Settings />)
  expect(document.body.textContent).not.toContain('Health')
  await drawing.change(() => owner)
  await drawing.click(button('Show') as HTMLElement)
  expect(drawing.actions.overlay).toHaveBeenCalledWith('health')
})

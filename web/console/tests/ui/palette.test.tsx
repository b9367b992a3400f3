import { act } from 'react'
import { afterEach, expect, it } from 'vitest'
import Palette from '../../src/ui/overlays/Palette.tsx'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'

let drawing: Drawing
afterEach(() => drawing.end())

it('closes with the first Escape, whatever was typed', async () => {
  drawing = await draw(<Palette />, { state: stateWith(undefined), language: 'en' })
  const field = document.querySelector('input') as HTMLInputElement
  const write = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set
  await act(async () => {
    field.focus()
    write?.call(field, 'dark')
    field.dispatchEvent(new Event('input', { bubbles: true }))
  })
  expect(field.value).toBe('dark')
  await act(async () => {
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }))
  })
  expect(drawing.actions.overlay).toHaveBeenCalledWith(null)
})

import { afterEach, expect, it, vi } from 'vitest'
import { Boundary } from '../../src/ui/frame/Boundary.tsx'
import { type Drawing, draw } from '../support/draw.tsx'

let drawing: Drawing
afterEach(async () => {
  await drawing.end()
  vi.restoreAllMocks()
})

function Broken(): never {
  throw new Error('a chunk of the last version')
}

it('a part that breaks leaves a word and the rest of the page', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined) // React tells of it there, as it should.
  drawing = await draw(
    <>
      <p>still here</p>
      <Boundary>
        <Broken />
      </Boundary>
    </>,
  )
  expect(drawing.root.textContent).toContain('still here')
  expect(drawing.root.querySelector('[role="alert"]')?.textContent).toContain('everything you typed is kept')
  expect(drawing.button('Reload')).toBeTruthy()
})

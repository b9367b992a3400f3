import { afterEach, expect, it } from 'vitest'
import { EMPTY_DRAFT } from '../../src/state/drafts.ts'
import { Composer } from '../../src/ui/thread/Composer.tsx'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'

let drawing: Drawing
afterEach(() => drawing.end())

const withDraft = (change: Partial<typeof EMPTY_DRAFT>) =>
  stateWith(undefined, { drafts: new Map([['c1', { ...EMPTY_DRAFT, ...change }]]) })
const box = () => drawing.find('composer') as HTMLTextAreaElement
const send = () => drawing.find('send') as HTMLButtonElement

it('writes into the draft and says that the agent types', async () => {
  drawing = await draw(<Composer id="c1" />)
  await drawing.type(box(), 'hello')
  expect(drawing.actions.draft).toHaveBeenCalledWith('c1', { text: 'hello' })
  expect(drawing.actions.typed).toHaveBeenCalledWith('c1')
})

it('Enter sends; Shift+Enter breaks; an Enter that ends a composition does neither', async () => {
  drawing = await draw(<Composer id="c1" />, { state: withDraft({ text: '你好' }) })
  expect(await drawing.key(box(), 'Enter', { shiftKey: true })).toBe(false)
  expect(await drawing.key(box(), 'Enter', { isComposing: true })).toBe(false)
  expect(await drawing.key(box(), 'Enter', { keyCode: 229 })).toBe(false)
  expect(drawing.actions.send).not.toHaveBeenCalled()
  expect(await drawing.key(box(), 'Enter')).toBe(true)
  expect(drawing.actions.send).toHaveBeenCalledWith('c1')
})

it('sends nothing that is empty or too long, and says by how much', async () => {
  drawing = await draw(<Composer id="c1" />, { state: withDraft({ text: '   ' }) })
  expect(send().disabled).toBe(true)
  await drawing.key(box(), 'Enter')
  await drawing.change((state) => ({
    ...state,
    drafts: new Map([['c1', { ...EMPTY_DRAFT, text: '😀'.repeat(4002) }]]),
  }))
  expect(send().disabled).toBe(true)
  expect(drawing.root.textContent).toContain('2 characters too long')
  await drawing.key(box(), 'Enter')
  expect(drawing.actions.send).not.toHaveBeenCalled()
  await drawing.change((state) => ({
    ...state,
    drafts: new Map([['c1', { ...EMPTY_DRAFT, text: '😀'.repeat(4000) }]]),
  }))
  expect(send().disabled).toBe(false)
})

it('a note looks and is named different, and tells no visitor that somebody types', async () => {
  drawing = await draw(<Composer id="c1" />, { state: withDraft({ mode: 'note' }) })
  expect(box().getAttribute('aria-label')).toBe('Private note, for agents only')
  expect(send().textContent).toBe('Add note')
  await drawing.type(box(), 'psst')
  expect(drawing.actions.typed).not.toHaveBeenCalled()
})

it('the mode is chosen by its button', async () => {
  drawing = await draw(<Composer id="c1" />)
  await drawing.click(drawing.button('Private note'))
  expect(drawing.actions.draft).toHaveBeenCalledWith('c1', { mode: 'note' })
})

it('quick replies are added by Enter, once each, ten at most', async () => {
  drawing = await draw(<Composer id="c1" />, { state: withDraft({ quickReplies: ['Yes'] }) })
  const field = drawing.root.querySelector('input') as HTMLInputElement
  await drawing.type(field, ` ${'n'.repeat(100)}`)
  await drawing.key(field, 'Enter')
  expect(drawing.actions.draft).toHaveBeenLastCalledWith('c1', { quickReplies: ['Yes', 'n'.repeat(79)] })
  await drawing.type(field, 'Yes')
  await drawing.key(field, 'Enter')
  expect(drawing.actions.draft).toHaveBeenCalledTimes(1)
  await drawing.click(drawing.button('Remove “Yes”'))
  expect(drawing.actions.draft).toHaveBeenLastCalledWith('c1', { quickReplies: [] })
  const ten = Array.from({ length: 10 }, (_, at) => `b${at}`)
  await drawing.change((state) => ({ ...state, drafts: new Map([['c1', { ...EMPTY_DRAFT, quickReplies: ten }]]) }))
  expect(drawing.root.querySelector('input')).toBeNull()
  expect(drawing.root.textContent).toContain('At most 10 buttons')
})

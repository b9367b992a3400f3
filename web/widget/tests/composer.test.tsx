import { createRef, render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import en from '../locales/en.json'
import { Composer } from '../panel/composer.tsx'
import { textsFor } from '../panel/texts.ts'

let sent: string[]
let typing: boolean[]
let draft: string
let store: () => Promise<unknown>
const handle = createRef<Composer>()

const box = () => document.querySelector('textarea') as HTMLTextAreaElement
const button = () => document.querySelector('.send') as HTMLButtonElement
function type(text: string): void {
  box().value = text
  act(() => void box().dispatchEvent(new InputEvent('input', { bubbles: true })))
}
async function press(init: KeyboardEventInit): Promise<KeyboardEvent> {
  const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init })
  await act(async () => void box().dispatchEvent(event))
  return event
}

beforeEach(() => {
  sent = []
  typing = []
  draft = ''
  store = async () => {}
  const props = {
    send: (text: string) => {
      sent.push(text)
      return store()
    },
    showTyping: (isTyping: boolean) => void typing.push(isTyping),
    draft: {
      get: () => draft,
      set: (text: string) => {
        draft = text
      },
    },
  }
  act(() => render(<Composer handle={handle} texts={textsFor('en', en)} {...props} />, document.body))
})
afterEach(() => {
  render(null, document.body)
  vi.restoreAllMocks()
})

describe('Enter', () => {
  test('sends the trimmed text and empties the box', async () => {
    type('  hello  ')
    expect((await press({})).defaultPrevented).toBe(true)
    expect([sent, box().value, draft]).toEqual([['hello'], '', ''])
  })

  test('breaks the line with Shift', async () => {
    type('hello')
    expect((await press({ shiftKey: true })).defaultPrevented).toBe(false)
    expect(sent).toEqual([])
  })

  test('never sends while an input method composes', async () => {
    type('ni hao')
    await press({ isComposing: true })
    await press({ keyCode: 229 })
    expect(sent).toEqual([])
  })

  test('sends nothing when there is nothing', async () => {
    type(' \n ')
    await press({})
    expect([sent, button().disabled]).toEqual([[], true])
  })
})

describe('the text', () => {
  test('stays in the box until it is safe', async () => {
    let isSafe = () => {}
    store = () => new Promise<void>((resolve) => (isSafe = resolve))
    type('hello')
    await press({})
    await press({})
    expect([sent, box().value]).toEqual([['hello'], 'hello'])
    await act(async () => isSafe())
    expect(box().value).toBe('')
  })

  test('is left alone if it changed while the other was made safe', async () => {
    let isSafe = () => {}
    store = () => new Promise<void>((resolve) => (isSafe = resolve))
    type('hello')
    await press({})
    type('hello again')
    await act(async () => isSafe())
    expect(box().value).toBe('hello again')
  })

  test('is kept as a draft', () => {
    type('half a sen')
    expect(draft).toBe('half a sen')
  })

  test('can be put back for editing', () => {
    act(() => handle.current?.write('once more'))
    expect([box().value, button().disabled]).toEqual(['once more', false])
  })

  test('is counted in code points near the limit, and refused beyond it', async () => {
    type('🍵'.repeat(3799))
    expect(document.querySelector('.count')).toBeNull()
    type('🍵'.repeat(4000))
    expect(document.querySelector('.count')?.textContent).toBe('0 characters left')
    expect(button().disabled).toBe(false)
    type('🍵'.repeat(4001))
    expect(document.querySelector('.count')?.textContent).toBe('1 character too many')
    await press({})
    expect([sent, button().disabled]).toEqual([[], true])
  })
})

test('typing is told while there is text, and its end', () => {
  type('h')
  type('')
  box().dispatchEvent(new FocusEvent('blur'))
  expect(typing).toEqual([true, false, false])
})

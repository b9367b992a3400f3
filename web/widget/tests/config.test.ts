import { beforeEach, describe, expect, test } from 'vitest'
import { filesUrl, ownScript, readConfig } from '../loader/config.ts'

function script(src: string, data: Record<string, string> = {}): HTMLScriptElement {
  const made = document.createElement('script')
  made.type = 'text/plain' // found like any other, and never loaded
  made.src = src
  Object.assign(made.dataset, data)
  document.body.append(made)
  return made
}

beforeEach(() => document.body.replaceChildren())

describe('the server', () => {
  test.each([
    ['https://chat.example/chat/widget/widget.js', 'https://chat.example'],
    ['https://chat.example/widget/widgetScript.js', 'https://chat.example'],
    ['https://shop.example/support/chat/widget/widget.js?v=2', 'https://shop.example/support'],
  ])('is where %s came from', (src, base) => {
    expect(readConfig(undefined, script(src)).base).toBe(base)
  })

  test.each([
    ['https://chat.example', 'https://chat.example'],
    ['https://chat.example/support/', 'https://chat.example/support'],
    [' https://chat.example ', 'https://chat.example'],
  ])('is what serverBaseUrl %j says', (serverBaseUrl, base) => {
    const from = script('https://cdn.example/widget/widget.js')
    expect(readConfig({ serverBaseUrl }, from).base).toBe(base)
  })

  test('is where the script came from when serverBaseUrl is empty', () => {
    expect(readConfig({ serverBaseUrl: '' }, script('https://chat.example/widget/widget.js')).base).toBe(
      'https://chat.example',
    )
  })
})

describe('settings', () => {
  test('come from the object before the script, as text', () => {
    const from = script('https://chat.example/widget/widget.js', { buttonText: 'Ask', visitorName: 'Mei' })
    const config = readConfig({ buttonText: ' Help ', visitorEmail: 7 }, from)
    expect(config).toMatchObject({ buttonText: 'Help', visitorName: 'Mei', visitorEmail: '', mountSelector: '' })
  })

  test('are all empty without any', () => {
    expect(readConfig(undefined, undefined)).toMatchObject({ buttonText: '', visitorName: '', mountSelector: '' })
  })
})

describe('the files', () => {
  test('are beside the script', () => {
    const from = script('https://shop.example/support/widget/widget.js?v=1')
    expect(filesUrl(readConfig(undefined, from), from)).toBe('https://shop.example/support/widget/')
  })

  test('are at the server when the script has no address', () => {
    const config = readConfig({ serverBaseUrl: 'https://chat.example' }, undefined)
    expect(filesUrl(config, undefined)).toBe('https://chat.example/chat/widget/')
  })
})

test('the script is found by its address when it is not the running one', () => {
  script('https://shop.example/app.js')
  const own = script('https://chat.example/chat/widget/widget.js')
  expect(ownScript()).toBe(own)
})

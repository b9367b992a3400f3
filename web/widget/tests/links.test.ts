import { describe, expect, test } from 'vitest'
import { piecesOf } from '../panel/links.ts'

const links = (text: string) => piecesOf(text).flatMap((piece) => (typeof piece === 'string' ? [] : [piece.href]))

describe('piecesOf', () => {
  test.each([
    ['see https://a.example/x?y=1#z now', 'https://a.example/x?y=1#z'],
    ['see https://a.example/x.', 'https://a.example/x'],
    ['(https://a.example/x)', 'https://a.example/x'],
    ['https://a.example/wiki/Tea_(drink), yes', 'https://a.example/wiki/Tea_(drink)'],
    ['请看https://a.example/茶叶', 'https://a.example/'],
    ['请看 https://a.example/tea，谢谢', 'https://a.example/tea'],
    ['"https://a.example/x" onmouseover="alert(1)', 'https://a.example/x'],
    ['write to mailto:shop@a.example!', 'mailto:shop@a.example'],
    ['call tel:+4712345678', 'tel:+4712345678'],
    ['HTTPS://A.EXAMPLE', 'https://a.example/'],
  ])('%s', (text, href) => {
    expect(links(text)).toEqual([href])
  })

  test.each([
    'javascript:alert(1)',
    'data:text/html,<b>x</b>',
    'https://',
    'file:///etc/passwd',
    'ftp://a.example',
    'no link',
    '',
    '<a href="x">y</a>',
  ])('%s holds no link', (text) => {
    expect(links(text)).toEqual([])
  })

  test('the pieces joined are the text', () => {
    const text = 'a https://a.example, b (mailto:x@y.example) 茶 https://b.example'
    expect(
      piecesOf(text)
        .map((piece) => (typeof piece === 'string' ? piece : piece.text))
        .join(''),
    ).toBe(text)
    expect(links(text)).toHaveLength(3)
  })
})

import { expect, it } from 'vitest'
import { hrefOf, splitLinks } from '../src/state/links.ts'

const hrefs = (text: string) => splitLinks(text).flatMap((piece) => (piece.href ? [piece.href] : []))

it('web, mail and phone addresses become links', () => {
  expect(hrefs('see https://a.example/b?c=1, write to me@a.example or tel:+8613800138000')).toEqual([
    'https://a.example/b?c=1',
    'mailto:me@a.example',
    'tel:+8613800138000',
  ])
})

it('nothing else does', () => {
  const text = 'javascript:alert(1) data:text/html,x file:///etc vbscript:x ftp://a.example http:// https://'
  expect(hrefs(text)).toEqual([])
  expect(hrefOf('javascript:alert(1)')).toBeNull()
  expect(hrefOf('JAVASCRIPT:alert(1)')).toBeNull()
})

it('the punctuation of a sentence stays outside, in Chinese too', () => {
  expect(splitLinks('（https://a.example/x）。').map((piece) => piece.text)).toEqual([
    '（',
    'https://a.example/x',
    '）。',
  ])
  expect(hrefs('(https://a.example/wiki/A_(b)).')).toEqual(['https://a.example/wiki/A_(b)'])
})

it('the pieces together are the text', () => {
  for (const text of [
    '',
    'plain',
    'https://a.example',
    'a https://a.example b me@x.example c',
    '<b>https://a.example"</b>',
  ]) {
    expect(
      splitLinks(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text)
  }
})

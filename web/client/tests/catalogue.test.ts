import { describe, expect, test } from 'vitest'
import { chooseLocale, translator } from '../src/index.ts'

describe('translator', () => {
  const en = translator('en', {
    unread_one: '{count} new message',
    unread_other: '{count} new messages',
    hi: 'Hi {name}',
  })

  test('takes the plural form of the language', () => {
    expect(en('unread', { count: 1 })).toBe('1 new message')
    expect(en('unread', { count: 1200 })).toBe('1,200 new messages')
    const pl = translator('pl', { n_one: 'plik', n_few: 'pliki', n_many: 'plików', n_other: 'pliku' })
    expect([1, 2, 5].map((count) => pl('n', { count }))).toEqual(['plik', 'pliki', 'plików'])
  })

  test('uses the other form where a category is missing', () => {
    expect(translator('ru', { n_other: '{count} файла' })('n', { count: 5 })).toBe('5 файла')
  })

  test('puts values in as they are, and leaves what it does not know', () => {
    expect(en('hi', { name: '$& <b>' })).toBe('Hi $& <b>')
    expect(en('hi')).toBe('Hi {name}')
  })

  test('answers a missing key with the key', () => {
    expect(en('nothing.here')).toBe('nothing.here')
  })
})

describe('chooseLocale', () => {
  const have = ['zh-CN', 'en']

  test('exact tag before language, in the order of wishes', () => {
    expect(chooseLocale(['en-GB', 'zh-CN'], have, 'en')).toBe('en')
    expect(chooseLocale(['fr', 'ZH-cn'], have, 'en')).toBe('zh-CN')
    expect(chooseLocale(['zh-Hant-TW'], have, 'en')).toBe('zh-CN')
  })

  test('falls back when nothing fits', () => {
    expect(chooseLocale(['fr', ''], have, 'en')).toBe('en')
  })
})

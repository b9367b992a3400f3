import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { launcherTexts, pageLocale } from '../loader/texts.ts'
import en from '../locales/en.json'
import zh from '../locales/zh-CN.json'
import { textsFor } from '../panel/texts.ts'

const base = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '')
const CATALOGUES = Object.entries({ en, 'zh-CN': zh } as Record<string, Record<string, string>>)

describe.each(CATALOGUES)('catalogue %s', (locale, catalogue) => {
  test('has every key of the others, and no empty text', () => {
    expect(new Set(Object.keys(catalogue).map(base))).toEqual(new Set(Object.keys(en).map(base)))
    expect(Object.values(catalogue).every((text) => text.trim() !== '')).toBe(true)
  })

  test('has every plural form of its language', () => {
    const { pluralCategories } = new Intl.PluralRules(locale).resolvedOptions()
    const counted = new Set(
      Object.keys(catalogue)
        .filter((key) => key !== base(key))
        .map(base),
    )
    for (const key of counted) {
      for (const category of pluralCategories) expect(catalogue).toHaveProperty([`${key}_${category}`])
    }
  })

  test('uses the same values as English', () => {
    const values = (text = '') => [...text.matchAll(/\{\w+\}/g)].map(String).sort()
    for (const [key, text] of Object.entries(catalogue)) {
      expect(values(text), key).toEqual(values((en as Record<string, string>)[key]))
    }
  })

  test('is known to the launcher', () => {
    document.documentElement.lang = locale
    expect(pageLocale()).toBe(locale)
    expect(Object.values(launcherTexts(locale as 'en')).every(Boolean)).toBe(true)
  })
})

describe('days', () => {
  beforeEach(() => void vi.useFakeTimers({ now: new Date(2026, 4, 20, 0, 30) }))
  afterEach(() => void vi.useRealTimers())

  test('follow the calendar, not the hours', () => {
    const { day } = textsFor('en', en)
    expect(day(new Date(2026, 4, 20, 0, 1).getTime())).toBe('today')
    expect(day(new Date(2026, 4, 19, 23, 59).getTime())).toBe('yesterday')
    expect(day(new Date(2026, 4, 18).getTime())).toBe('Mon, May 18')
    expect(day(new Date(2025, 4, 18).getTime())).toBe('May 18, 2025')
    expect(textsFor('zh-CN', zh).day(Date.now())).toBe('今天')
  })
})

test('the language asked for wins over the page, the page over the browser', () => {
  document.documentElement.lang = 'zh-Hans'
  expect(pageLocale()).toBe('zh-CN')
  expect(pageLocale('en-GB')).toBe('en')
  document.documentElement.lang = 'xx'
  expect(pageLocale()).toBe('en')
})

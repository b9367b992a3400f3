import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from '../src/i18n/en.json'
import { languageOf, translatorFor } from '../src/i18n/i18n.tsx'
import zh from '../src/i18n/zh-CN.json'

const CATEGORY = /_(zero|one|two|few|many|other)$/u
const bases = (catalogue: object) => [...new Set(Object.keys(catalogue).map((key) => key.replace(CATEGORY, '')))].sort()
const places = (text: string) => [...text.matchAll(/\{\w+\}/gu)].map(([place]) => place).sort()

describe('the catalogues', () => {
  it('say the same things', () => {
    expect(bases(zh)).toEqual(bases(en))
  })

  it('have every plural category of their language, and only where the other counts too', () => {
    for (const [locale, catalogue] of [
      ['en', en],
      ['zh-CN', zh],
    ] as const) {
      const categories = new Intl.PluralRules(locale).resolvedOptions().pluralCategories.sort()
      const counted = Object.keys(catalogue).filter((key) => CATEGORY.test(key))
      for (const base of bases(Object.fromEntries(counted.map((key) => [key, ''])))) {
        const held = counted
          .filter((key) => key.replace(CATEGORY, '') === base)
          .map((key) => key.slice(base.length + 1))
        expect(held.sort(), `${locale} ${base}`).toEqual(categories)
      }
    }
  })

  it('have no empty text and the same places to fill', () => {
    const others = zh as Record<string, string>
    for (const [key, text] of Object.entries(en)) {
      const other = others[key] ?? others[key.replace(CATEGORY, '_other')]
      expect(other?.trim(), key).toBeTruthy()
      expect(places(other ?? ''), key).toEqual(places(text))
    }
  })

  it('have every key that the code names, and no key that nobody names', () => {
    const source = sources(join(import.meta.dirname, '../src'))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
    const families = [...source.matchAll(/`([\w.]+\.)\$\{/gu)].map(([, prefix]) => prefix as string)
    const unused = bases(en).filter(
      (key) => !source.includes(`'${key}'`) && !families.some((prefix) => key.startsWith(prefix)),
    )
    expect(unused).toEqual([])
  })
})

it('texts are filled and counted by the rules of their language', () => {
  expect(translatorFor('en')('inbox.held', { count: 1 })).toBe('1 new conversation')
  expect(translatorFor('en')('inbox.held', { count: 2 })).toBe('2 new conversations')
  expect(translatorFor('zh-CN')('inbox.held', { count: 1 })).toBe('1 个新会话')
})

it('what was chosen wins over the page, the page over the browser', () => {
  expect(languageOf('en', 'zh-CN')).toBe('en')
  expect(languageOf('', 'zh-CN')).toBe('zh-CN')
  expect(languageOf('', 'zh-TW')).toBe('zh-CN')
  expect(languageOf('', 'fr')).toBe(languageOf('', ''))
})

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/u.test(entry.name) ? [path] : []
  })
}

/** The console's languages: which there are, which one is shown, and the texts by key. */

import { chooseLocale, type Translate, translator } from '@kefu/client'
import { createContext, type ReactNode, useContext, useMemo } from 'react'
import type { Language } from '../state/settings.ts'
import en from './en.json'
import zh from './zh-CN.json'

/** A counted key stands in the catalogue once per plural category; components use it without the category. */
type Uncounted<Key extends string> = Key extends `${infer Base}_${'zero' | 'one' | 'two' | 'few' | 'many' | 'other'}`
  ? Base
  : Key
export type TextKey = Uncounted<keyof typeof en>
export type Translator = Translate<TextKey>

export const CATALOGUES: Record<Language, Record<string, string>> = { 'zh-CN': zh, en }
export const LANGUAGES: readonly Language[] = ['zh-CN', 'en']

export function translatorFor(language: Language): Translator {
  return translator<TextKey>(language, CATALOGUES[language])
}

/** What was chosen, else what the page asks for, else what the browser prefers. */
export function languageOf(chosen: Language | '', page: string): Language {
  return chooseLocale([chosen, page, ...navigator.languages].filter(Boolean), LANGUAGES, 'en') as Language
}

const LanguageContext = createContext<{ language: Language; t: Translator } | null>(null)

export function LanguageProvider({ language, children }: { language: Language; children: ReactNode }) {
  const value = useMemo(() => ({ language, t: translatorFor(language) }), [language])
  return <LanguageContext value={value}>{children}</LanguageContext>
}

export function useT(): Translator {
  return useLanguage().t
}

export function useLocale(): Language {
  return useLanguage().language
}

function useLanguage() {
  const value = useContext(LanguageContext)
  if (!value) throw new Error('a component of the console was drawn outside its LanguageProvider')
  return value
}

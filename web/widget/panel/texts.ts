// The panel's words and dates in the chosen language.
import { type Catalogue, type Translate, translator } from '@kefu/client/catalogue'
import type en from '../locales/en.json'

/** Keys without the plural endings. */
type Singular<Key> = Key extends `${infer Base}_${'zero' | 'one' | 'two' | 'few' | 'many' | 'other'}` ? Base : Key
export type TextKey = Singular<keyof typeof en>

export interface Texts {
  locale: string
  t: Translate<TextKey>
  /** "Today", "Yesterday", else the date. */
  day: (at: number) => string
  time: (at: number) => string
}

const DAY_MS = 86_400_000

export function textsFor(locale: string, catalogue: Catalogue): Texts {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const thisYear = new Intl.DateTimeFormat(locale, { month: 'long', day: 'numeric', weekday: 'short' })
  const otherYear = new Intl.DateTimeFormat(locale, { dateStyle: 'long' })
  const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })
  const midnight = (at: number) => new Date(at).setHours(0, 0, 0, 0)
  return {
    locale,
    t: translator<TextKey>(locale, catalogue),
    time: (at) => clock.format(at),
    day: (at) => {
      const days = Math.round((midnight(at) - midnight(Date.now())) / DAY_MS)
      if (days === 0 || days === -1) return relative.format(days, 'day')
      return (new Date(at).getFullYear() === new Date().getFullYear() ? thisYear : otherYear).format(at)
    },
  }
}

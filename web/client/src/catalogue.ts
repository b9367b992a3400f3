// Messages for people from flat catalogues: `{name}` is replaced, `key_one` / `key_other` … follow the plural rules.

/** A catalogue: key → text. A counted key exists once per plural category of its language. */
export type Catalogue = Readonly<Record<string, string>>

export type Values = Readonly<Record<string, string | number>>

/** Looks texts up; a key that is missing answers itself, so that a hole is seen and nothing breaks. */
export type Translate<Key extends string = string> = (key: Key, values?: Values) => string

/** A translate function for one language. With `values.count` the plural form of the key is taken. */
export function translator<Key extends string = string>(locale: string, catalogue: Catalogue): Translate<Key> {
  const rules = new Intl.PluralRules(locale)
  const numbers = new Intl.NumberFormat(locale)
  const show = (value: string | number) => (typeof value === 'number' ? numbers.format(value) : value)
  return (key, values = {}) => {
    const { count } = values
    const plural = typeof count === 'number' ? catalogue[`${key}_${rules.select(count)}`] : undefined
    const text = plural ?? catalogue[key] ?? catalogue[`${key}_other`] ?? key
    return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
      values[name] === undefined ? whole : show(values[name]),
    )
  }
}

/** The first of the wanted languages that is there, by exact tag, then by language (`zh-TW` finds `zh-CN`). */
export function chooseLocale(wanted: readonly string[], available: readonly string[], fallback: string): string {
  const language = (tag: string) => tag.toLowerCase().split('-')[0]
  for (const tag of wanted) {
    const found =
      available.find((one) => one.toLowerCase() === tag.toLowerCase()) ??
      available.find((one) => language(one) === language(tag))
    if (found) return found
  }
  return fallback
}

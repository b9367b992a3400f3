/** Times and durations in the reader's language. Knows `Intl`; callers pass the time now. */

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A visitor who waits longer than this should look urgent. */
export const WAIT_WARN_MS = 2 * MINUTE_MS
export const WAIT_LATE_MS = 10 * MINUTE_MS

const formats = new Map<string, Intl.DateTimeFormat>()

function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options)
  let held = formats.get(key)
  if (!held) {
    held = new Intl.DateTimeFormat(locale, options)
    formats.set(key, held)
  }
  return held
}

export function clockTime(at: string, locale: string): string {
  return format(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at))
}

export function fullTime(at: string, locale: string): string {
  return format(locale, {
    dateStyle: 'medium',
    timeStyle: 'short',
    hourCycle: 'h23',
  } as Intl.DateTimeFormatOptions).format(new Date(at))
}

/** The calendar day where the reader is, sortable: `2026-11-22`. */
export function dayOf(at: string): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** Today and yesterday by name, other days by date. */
export function dayName(at: string, now: number, locale: string): string {
  const days = daysBetween(at, now)
  if (days <= 1) {
    const name = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-days, 'day')
    return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1)
  }
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return format(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(new Date(at))
}

/** For a list: the time today, the day before that. */
export function shortTime(at: string, now: number, locale: string): string {
  const days = daysBetween(at, now)
  if (days <= 0) return clockTime(at, locale)
  if (days === 1) return dayName(at, now, locale)
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return format(locale, sameYear ? { day: 'numeric', month: 'short' } : { dateStyle: 'short' }).format(new Date(at))
}

/** A wait in its largest unit, at least one minute: `3m`, `3分钟`. */
export function duration(ms: number, locale: string): string {
  const [unit, size] =
    ms >= DAY_MS
      ? (['day', DAY_MS] as const)
      : ms >= HOUR_MS
        ? (['hour', HOUR_MS] as const)
        : (['minute', MINUTE_MS] as const)
  const count = Math.max(1, Math.floor(ms / size))
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'narrow' }).format(count)
}

export type Urgency = 'calm' | 'warn' | 'late'

export function urgencyOf(waitedMs: number): Urgency {
  if (waitedMs >= WAIT_LATE_MS) return 'late'
  return waitedMs >= WAIT_WARN_MS ? 'warn' : 'calm'
}

function daysBetween(at: string, now: number): number {
  const start = (time: number) => new Date(time).setHours(0, 0, 0, 0)
  return Math.round((start(now) - start(Date.parse(at))) / DAY_MS)
}

import { expect, it } from 'vitest'
import { dayName, duration, shortTime, urgencyOf, WAIT_LATE_MS, WAIT_WARN_MS } from '../src/state/time.ts'

const NOW = new Date(2026, 10, 22, 15, 30).getTime()
const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString()

it('days have names', () => {
  expect(dayName(at(2026, 10, 22, 0, 1), NOW, 'en')).toBe('Today')
  expect(dayName(at(2026, 10, 21, 23, 59), NOW, 'en')).toBe('Yesterday')
  expect(dayName(at(2026, 10, 21, 23, 59), NOW, 'zh-CN')).toBe('昨天')
  expect(dayName(at(2026, 10, 1, 8, 0), NOW, 'en')).toContain('November')
  expect(dayName(at(2025, 10, 1, 8, 0), NOW, 'zh-CN')).toContain('2025')
})

it('a list shows the time today and the day before that', () => {
  expect(shortTime(at(2026, 10, 22, 9, 5), NOW, 'en')).toBe('09:05')
  expect(shortTime(at(2026, 10, 21, 9, 5), NOW, 'zh-CN')).toBe('昨天')
  expect(shortTime(at(2026, 9, 2, 9, 5), NOW, 'en')).toBe('Oct 2')
})

it('a wait is told in its largest unit, at least a minute', () => {
  expect(duration(0, 'en')).toBe('1m')
  expect(duration(59 * 60_000, 'en')).toBe('59m')
  expect(duration(90 * 60_000, 'zh-CN')).toBe('1小时')
  expect(duration(49 * 3_600_000, 'en')).toBe('2d')
})

it('a wait becomes urgent at its thresholds', () => {
  expect(urgencyOf(WAIT_WARN_MS - 1)).toBe('calm')
  expect(urgencyOf(WAIT_WARN_MS)).toBe('warn')
  expect(urgencyOf(WAIT_LATE_MS)).toBe('late')
})

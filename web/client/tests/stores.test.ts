import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type IndexedDbStore, keyValueStore, openStore } from '../src/index.ts'

const item = (clientId: string) => ({ clientId, lane: '', payload: 'text', order: 1, status: 'queued' as const })

afterEach(() => void vi.unstubAllGlobals())

describe.each([
  ['IndexedDB', () => openStore<string>('one')],
  ['a map', async () => keyValueStore<string>('one', new Map())],
])('a store in %s', (_name, open) => {
  beforeEach(() => void vi.stubGlobal('indexedDB', new IDBFactory()))

  test('keeps, replaces and forgets', async () => {
    const store = await open()
    await store.put(item('a'))
    await store.put({ ...item('a'), payload: 'newer' })
    await store.put(item('b'))
    expect((await store.all()).map(({ clientId, payload }) => [clientId, payload])).toEqual([
      ['a', 'newer'],
      ['b', 'text'],
    ])
    await store.remove('a')
    expect(await store.all()).toEqual([item('b')])
  })
})

test('IndexedDB holds what another tab of the origin put in', async () => {
  vi.stubGlobal('indexedDB', new IDBFactory())
  const first = (await openStore<string>('one')) as IndexedDbStore<string>
  await first.put(item('a'))
  expect(await (await openStore<string>('one')).all()).toEqual([item('a')])
  expect(await (await openStore<string>('two')).all()).toEqual([])
})

test('localStorage takes over where IndexedDB is not allowed, and leaves other keys alone', async () => {
  vi.stubGlobal('indexedDB', undefined)
  const entries = new Map([['theirs', 'untouched']])
  const storage = {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem(key: string, value: string) {
      Object.assign(storage, { [key]: value }) // as browsers do: entries are properties too
      entries.set(key, value)
    },
    removeItem: (key: string) => void entries.delete(key),
  }
  vi.stubGlobal('localStorage', storage)
  const store = await openStore<string>('one')
  await store.put(item('a'))
  expect(await store.all()).toEqual([item('a')])
  expect(entries.get('theirs')).toBe('untouched')
})

test('memory is the last resort', async () => {
  vi.stubGlobal('indexedDB', undefined)
  vi.stubGlobal('localStorage', undefined)
  const store = await openStore<string>('one')
  await store.put(item('a'))
  expect(await store.all()).toHaveLength(1)
})

import { IDBFactory } from 'fake-indexeddb'
import { Storage } from 'happy-dom'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type IndexedDbStore, keyValueStore, openStore, storeOpenedOnUse } from '../src/index.ts'

const item = (clientId: string) => ({ clientId, lane: '', payload: 'text', order: 1, status: 'queued' as const })

afterEach(() => void vi.unstubAllGlobals())

describe.each([
  ['IndexedDB', () => openStore<string>('one')],
  ['a record', async () => keyValueStore<string>('one', {})],
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
  const storage = new Storage()
  storage.setItem('theirs', 'untouched')
  vi.stubGlobal('localStorage', storage)
  const store = await openStore<string>('one')
  await store.put(item('a'))
  expect(JSON.parse(storage.getItem('one:a') ?? '')).toEqual(item('a'))
  expect(await store.all()).toEqual([item('a')])
  await store.remove('a')
  expect([storage.length, storage.getItem('theirs')]).toEqual([1, 'untouched'])
})

test('memory is the last resort', async () => {
  vi.stubGlobal('indexedDB', undefined)
  vi.stubGlobal('localStorage', undefined)
  const store = await openStore<string>('one')
  await store.put(item('a'))
  expect(await store.all()).toHaveLength(1)
})

test('a store that is opened on use leaves no trace before', async () => {
  vi.stubGlobal('indexedDB', new IDBFactory())
  const store = storeOpenedOnUse<string>('one')
  expect(await indexedDB.databases()).toEqual([])
  await store.put(item('a'))
  expect(await store.all()).toEqual([item('a')])
  await store.remove('a')
  expect(await store.all()).toEqual([])
})

// Where an outbox outlives the page: IndexedDB, else localStorage, else memory. Each browser API may be missing or locked.
import type { OutboxItem, OutboxStore } from './outbox.ts'

/** Some browsers never answer an open, in private windows or after a crash. */
const OPEN_WAIT_MS_MAX = 1000

/** The best store that works here, tried once. `name` separates the outboxes of one origin. */
export async function openStore<Payload>(name: string): Promise<OutboxStore<Payload>> {
  try {
    const late = new Promise<never>((_, reject) => setTimeout(reject, OPEN_WAIT_MS_MAX))
    return await Promise.race([IndexedDbStore.open<Payload>(name), late])
  } catch {
    return keyValueStore<Payload>(name)
  }
}

/** The best store, not touched before something is read from it or put into it: opening one already writes. */
export function storeOpenedOnUse<Payload>(name: string): OutboxStore<Payload> {
  let opened: Promise<OutboxStore<Payload>> | undefined
  const store = () => {
    opened ??= openStore<Payload>(name)
    return opened
  }
  return {
    all: async () => (await store()).all(),
    put: async (item) => (await store()).put(item),
    remove: async (clientId) => (await store()).remove(clientId),
  }
}

/** An outbox in IndexedDB: one database, one record an item. */
export class IndexedDbStore<Payload> implements OutboxStore<Payload> {
  readonly #database: IDBDatabase

  constructor(database: IDBDatabase) {
    this.#database = database
  }

  static async open<Payload>(name: string): Promise<IndexedDbStore<Payload>> {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => request.result.createObjectStore('outbox', { keyPath: 'clientId' })
    return new IndexedDbStore<Payload>(await settled(request))
  }

  all(): Promise<OutboxItem<Payload>[]> {
    return settled(this.#database.transaction('outbox').objectStore('outbox').getAll())
  }

  put(item: OutboxItem<Payload>): Promise<void> {
    return this.#write((outbox) => outbox.put(item))
  }

  remove(clientId: string): Promise<void> {
    return this.#write((outbox) => outbox.delete(clientId))
  }

  /** Resolves when the change is committed, not merely accepted. */
  #write(change: (outbox: IDBObjectStore) => IDBRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction('outbox', 'readwrite')
      change(transaction.objectStore('outbox'))
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
  }
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** An outbox in localStorage, one entry an item; in memory where localStorage is not allowed. */
export function keyValueStore<Payload>(name: string, entries = safeStorage()): OutboxStore<Payload> {
  const prefix = `${name}:`
  return {
    all: async () =>
      Object.keys(entries)
        .filter((key) => key.startsWith(prefix))
        .map((key) => JSON.parse(entries[key] as string) as OutboxItem<Payload>),
    put: async (item) => {
      entries[prefix + item.clientId] = JSON.stringify(item)
    },
    remove: async (clientId) => {
      delete entries[prefix + clientId]
    },
  }
}

/** A Storage is used as the record of texts that it is, so that any record can stand in for it. */
function safeStorage(): Record<string, string> {
  try {
    return (globalThis.localStorage as Record<string, string> | undefined) ?? {}
  } catch {
    return {} // reading the property itself throws where the person blocks storage
  }
}

// What widget and console build on: connection, outbox, timeline, texts. No DOM, no framework.
export { BACKOFF_MAX_MS, backoffMs } from './backoff.ts'
export { type Catalogue, chooseLocale, type Translate, translator, type Values } from './catalogue.ts'
export { CatchUp, type CatchUpOptions } from './catchup.ts'
export { type Detach, Emitter } from './emitter.ts'
export { Refused, Unanswered } from './errors.ts'
export { uuid } from './ids.ts'
export { ANSWER_WAIT_MS_MAX, Link, type LinkOptions, type LinkState, type SocketLike } from './link.ts'
export {
  Outbox,
  type OutboxEvents,
  type OutboxItem,
  type OutboxOptions,
  type OutboxStore,
  waitAfterRefusal,
} from './outbox.ts'
export { IndexedDbStore, keyValueStore, openStore, storeOpenedOnUse } from './stores.ts'
export { type Page, type Place, Timeline } from './timeline.ts'
export {
  TYPING_SENT_EVERY_MS,
  TYPING_SHOWN_MS,
  Visitor,
  type VisitorCredentials,
  type VisitorEvents,
  type VisitorItem,
  type VisitorMemory,
  type VisitorOptions,
  type VisitorPayload,
} from './visitor.ts'

// The wire contract for typed sockets. Shapes are generated; this file only says how Socket.IO carries them.
import type { AgentEvents, RefusedAck, ToAgent, ToVisitor, VisitorEvents } from './generated.ts'

export type * from './generated.ts'

/** Client → server: each event's payload and the ack of its success. */
export type ClientTable = { [event: string]: { payload: object; ack: object } }

/** What an ack function is called with. */
export type Answer<Ack> = Ack | RefusedAck

/** An event table as Socket.IO's type parameter: `(payload, ack?) => void` per event. */
export type Emitted<Table> = {
  [Event in keyof Table]: Table[Event] extends { payload: infer Payload; ack: infer Ack }
    ? (payload: Payload, ack?: (answer: Answer<Ack>) => void) => void
    : never
}

/** A table of server events as Socket.IO's type parameter: `(payload) => void` per event. */
export type Heard<Table> = { [Event in keyof Table]: (payload: Table[Event]) => void }

/** One side of the contract: what it sends and what it hears. */
export interface Side<Sent = object, Told = object> {
  sent: Sent
  told: Told
}

export type VisitorSide = Side<VisitorEvents, ToVisitor>
export type AgentSide = Side<AgentEvents, ToAgent>

/** Lengths that the server refuses beyond, in Unicode code points. */
export const BODY_TEXT_MAX = 4000
export const QUICK_REPLIES_MAX = 10
export const QUICK_REPLY_TEXT_MAX = 80

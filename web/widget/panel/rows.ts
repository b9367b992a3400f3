// What the transcript shows, as rows: days, groups, the line before the unread, own messages on their way. Pure.
import type { VisitorItem } from '@kefu/client'
import type { Author, Message } from '@kefu/protocol'

/** Messages of one side closer together than this stand as one group. */
export const GROUP_GAP_MS_MAX = 5 * 60_000

export type Delivery = 'queued' | 'sending' | 'sent' | 'read' | 'failed'

export interface Bubble {
  kind: 'bubble'
  /** The clientId where there is one: a message keeps its element from the first moment on. */
  key: string
  side: 'own' | 'other' | 'system'
  text: string
  author: Author | null
  /** Milliseconds since 1970. */
  at: number
  isFirst: boolean
  isLast: boolean
  /** Whether the author's name stands above: where the other side changes, and once a day. */
  isNamed: boolean
  /** Set where the person should see it: on the last own message, and on each that has not arrived. */
  delivery: Delivery | null
  failure: string | null
}

export type Row = Bubble | { kind: 'day'; key: string; at: number } | { kind: 'new'; key: string }

export interface Transcript {
  messages: readonly Message[]
  items: readonly VisitorItem[]
  /** Up to which seq the agents have read. */
  agentReadSeq: number
  /** The line "new" stands before the other side's first message after this seq; null for no line. */
  newAfterSeq: number | null
}

export function rowsOf({ messages, items, agentReadSeq, newAfterSeq }: Transcript): Row[] {
  const bubbles = [...messages.map((message) => stored(message, agentReadSeq)), ...items.map(underway)]
  const lastOwn = bubbles.findLast(({ side, delivery }) => side === 'own' && isSafe(delivery))
  const firstNew = messages.find((one) => newAfterSeq !== null && one.senderType !== 'visitor' && one.seq > newAfterSeq)
  const rows: Row[] = []
  bubbles.forEach((bubble, at) => {
    const before = bubbles[at - 1]
    const isNewDay = !before || dayOf(before.at) !== dayOf(bubble.at)
    const isUnreadStart = at > 0 && firstNew !== undefined && messages[at] === firstNew
    if (isNewDay) rows.push({ kind: 'day', key: `day-${dayOf(bubble.at)}`, at: bubble.at })
    if (isUnreadStart) rows.push({ kind: 'new', key: 'new' })
    bubble.isFirst = isNewDay || isUnreadStart || !belongTogether(before, bubble)
    if (before && bubble.isFirst) before.isLast = true
    if (isSafe(bubble.delivery) && bubble !== lastOwn) bubble.delivery = null
    rows.push(bubble)
  })
  const last = bubbles.at(-1)
  if (last) last.isLast = true
  return named(rows)
}

function named(rows: Row[]): Row[] {
  let known: string | undefined
  for (const row of rows) {
    if (row.kind === 'day') known = undefined
    if (row.kind !== 'bubble' || row.side !== 'other') continue
    const name = row.author?.name ?? ''
    row.isNamed = name !== known
    known = name
  }
  return rows
}

/** The quick replies of the newest message, as long as nobody has answered it. */
export function quickReplies(messages: readonly Message[], items: readonly VisitorItem[]): string[] {
  const last = messages.at(-1)
  if (!last?.metadataJson || last.senderType === 'visitor' || items.length > 0) return []
  try {
    const { quickReplies: replies } = JSON.parse(last.metadataJson) as { quickReplies?: unknown }
    return Array.isArray(replies) ? replies.filter((reply) => typeof reply === 'string' && reply !== '') : []
  } catch {
    return [] // metadata that another program wrote
  }
}

const SIDES = { visitor: 'own', admin: 'other', system: 'system' } as const

function stored(message: Message, agentReadSeq: number): Bubble {
  const side = SIDES[message.senderType]
  const { bodyText: text, author, clientId, id, seq } = message
  const delivery = side === 'own' ? (seq <= agentReadSeq ? 'read' : 'sent') : null
  return { ...bubble(clientId ?? id, text, Date.parse(message.createdAt)), side, author, delivery }
}

function underway({ clientId, payload, order, status, failure }: VisitorItem): Bubble {
  return { ...bubble(clientId, payload.bodyText, order), delivery: status, failure: failure ?? null }
}

function bubble(key: string, text: string, at: number): Bubble {
  const looks = { side: 'own', author: null, isFirst: true, isLast: false, isNamed: false } as const
  return { kind: 'bubble', key, text, at, delivery: null, failure: null, ...looks }
}

const isSafe = (delivery: Delivery | null) => delivery === 'sent' || delivery === 'read'

function belongTogether(a: Bubble | undefined, b: Bubble): boolean {
  if (!a || a.side !== b.side || b.at - a.at > GROUP_GAP_MS_MAX) return false
  return a.side !== 'other' || a.author?.name === b.author?.name
}

/** The local calendar day. */
function dayOf(at: number): string {
  return new Date(at).toDateString()
}

import { describe, expect, it } from 'vitest'
import { layOut, type Outgoing, quickRepliesOf, RENDERED_MAX, type ThreadParts, windowOf } from '../src/state/thread.ts'
import { message, note } from './support/shapes.ts'

const dayOf = (at: string) => at.slice(0, 10)
const parts = (change: Partial<ThreadParts>): ThreadParts => ({
  messages: [],
  notes: [],
  outgoing: [],
  me: 'me',
  unreadAfter: null,
  visitorReadSeq: 0,
  ...change,
})
const keys = (change: Partial<ThreadParts>) =>
  layOut(parts(change), dayOf).map((line) => (line.kind === 'day' ? 'day' : line.key))
const outgoing: Outgoing = {
  clientId: 'x1',
  kind: 'reply',
  text: 'on its way',
  quickReplies: [],
  state: 'sending',
  error: null,
  createdAt: '2026-11-22T08:00:59.000Z',
}

describe('lines', () => {
  it('follow seq; a note stands where it was written; what is on its way comes last', () => {
    expect(
      keys({
        messages: [message(1), message(2), message(3)],
        notes: [note(1, 0), note(2, 2), note(3, 3)],
        outgoing: [outgoing],
      }),
    ).toEqual(['day', 'n1', 'm1', 'm2', 'n2', 'm3', 'n3', 'x1'])
  })

  it('leave out notes of pages that are not loaded', () => {
    expect(keys({ messages: [message(50), message(51)], notes: [note(1, 3), note(2, 50)] })).toEqual([
      'day',
      'm50',
      'n2',
      'm51',
    ])
  })

  it('begin a day with its name', () => {
    const messages = [message(1, { createdAt: '2026-11-20T08:00:00.000Z' }), message(2), message(3)]
    expect(keys({ messages })).toEqual(['day', 'm1', 'day', 'm2', 'm3'])
  })

  it('have the unread divider before the first message that no agent has read', () => {
    const messages = [message(1), message(2, { senderType: 'admin', adminId: 'a' }), message(3), message(4)]
    expect(keys({ messages, unreadAfter: 1 })).toEqual(['day', 'm1', 'm2', 'unread', 'm3', 'm4'])
    expect(keys({ messages, unreadAfter: 4 })).not.toContain('unread')
    expect(keys({ messages, unreadAfter: null })).not.toContain('unread')
  })

  it('group what one author says in a row, and nothing across five minutes', () => {
    const messages = [
      message(1),
      message(2),
      message(3, { createdAt: '2026-11-22T08:30:00.000Z' }),
      message(4, { senderType: 'admin', adminId: 'a' }),
    ]
    const groups = layOut(parts({ messages }), dayOf).flatMap((line) =>
      'first' in line ? [[line.first, line.last]] : [],
    )
    expect(groups).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ])
  })

  it('group what this agent has on its way with what they have sent, so that nothing moves when it arrives', () => {
    const sent = message(1, { senderType: 'admin', adminId: 'me', createdAt: '2026-11-22T08:00:50.000Z' })
    const groups = (me: string) =>
      layOut(parts({ messages: [sent], outgoing: [outgoing], me }), dayOf).flatMap((line) =>
        'first' in line ? [line.first] : [],
      )
    expect(groups('me')).toEqual([true, false])
    expect(groups('somebody else')).toEqual([true, true])
  })

  it('tell what the visitor has seen, and name the newest of it', () => {
    const messages = [1, 2, 3].map((seq) => message(seq, { senderType: 'admin', adminId: 'a' }))
    const seen = layOut(parts({ messages, visitorReadSeq: 2 }), dayOf).flatMap((line) =>
      line.kind === 'message' ? [line.seen] : [],
    )
    expect(seen).toEqual(['yes', 'last', 'no'])
  })

  it('keep the key of a sent message when the server confirms it, so that its bubble stays', () => {
    const confirmed = message(1, { senderType: 'admin', adminId: 'a', clientId: 'x1' })
    expect(keys({ outgoing: [outgoing] })).toContain('x1')
    expect(keys({ messages: [confirmed] })).toContain('x1')
  })

  it('show what the system says as system lines', () => {
    const lines = layOut(parts({ messages: [message(1, { senderType: 'system' })] }), dayOf)
    expect(lines.map((line) => line.kind)).toEqual(['day', 'system'])
  })
})

describe('the window of a long conversation', () => {
  const messages = Array.from({ length: RENDERED_MAX + 200 }, (_, at) => message(at + 1))

  it('follows the newest', () => {
    const shown = windowOf(messages, null)
    expect(shown).toHaveLength(RENDERED_MAX)
    expect(shown.at(-1)).toBe(messages.at(-1))
  })

  it('ends where the reader is, and never renders more or fewer', () => {
    expect(windowOf(messages, 400).at(-1)?.seq).toBe(400)
    expect(windowOf(messages, 400)).toHaveLength(RENDERED_MAX)
    expect(windowOf(messages, 3)[0]?.seq).toBe(1)
    expect(windowOf(messages, 3)).toHaveLength(RENDERED_MAX)
  })

  it('is everything where there is little', () => {
    const few = messages.slice(0, 10)
    expect(windowOf(few, 3)).toBe(few)
  })
})

it('quick replies come from the metadata, whatever it holds', () => {
  expect(quickRepliesOf(message(1, { metadataJson: '{"quickReplies":["Yes","No",3]}' }))).toEqual(['Yes', 'No'])
  for (const metadataJson of [null, '', 'no json', 'null', '[]', '{"quickReplies":"Yes"}']) {
    expect(quickRepliesOf(message(1, { metadataJson }))).toEqual([])
  }
})

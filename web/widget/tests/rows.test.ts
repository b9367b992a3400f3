import type { VisitorItem } from '@kefu/client'
import type { Message } from '@kefu/protocol'
import { describe, expect, test } from 'vitest'
import { type Bubble, GROUP_GAP_MS_MAX, quickReplies, type Row, rowsOf } from '../panel/rows.ts'

const NOON = new Date(2026, 4, 20, 12).getTime()
const message = (seq: number, senderType: Message['senderType'], over: Partial<Message> = {}): Message => ({
  ...{ id: `m${seq}`, conversationId: 'c1', seq, senderType, adminId: null, metadataJson: null, clientId: null },
  ...{ bodyText: `text ${seq}`, createdAt: new Date(NOON + seq * 1000).toISOString() },
  author: senderType === 'admin' ? { name: 'Lin', avatarUrl: null } : null,
  ...over,
})
const item = (clientId: string, status: VisitorItem['status'], over: Partial<VisitorItem> = {}): VisitorItem => ({
  ...{ clientId, lane: '', payload: { bodyText: clientId }, order: NOON + 60_000, status },
  ...over,
})
const rows = (messages: Message[], items: VisitorItem[] = [], agentReadSeq = 0, newAfterSeq: number | null = null) =>
  rowsOf({ messages, items, agentReadSeq, newAfterSeq })
const bubbles = (all: Row[]) => all.filter((row): row is Bubble => row.kind === 'bubble')

describe('rowsOf', () => {
  test('is empty for an empty conversation', () => {
    expect(rows([])).toEqual([])
  })

  test('puts one separator before each day', () => {
    const nextDay = { createdAt: new Date(NOON + 86_400_000).toISOString() }
    const kinds = rows([message(1, 'visitor'), message(2, 'visitor'), message(3, 'visitor', nextDay)]).map(
      (r) => r.kind,
    )
    expect(kinds).toEqual(['day', 'bubble', 'bubble', 'day', 'bubble'])
  })

  test('groups one side, and starts anew after a pause, another author or the other side', () => {
    const later = { createdAt: new Date(NOON + 2000 + GROUP_GAP_MS_MAX + 1).toISOString() }
    const mei = { author: { name: 'Mei', avatarUrl: null }, createdAt: later.createdAt }
    const shown = bubbles(
      rows([message(1, 'admin'), message(2, 'admin'), message(3, 'admin', later), message(4, 'admin', mei)]),
    )
    expect(shown.map(({ isFirst }) => isFirst)).toEqual([true, false, true, true])
    expect(shown.map(({ isLast }) => isLast)).toEqual([false, true, true, true])
    expect(shown.map(({ isNamed }) => isNamed)).toEqual([true, false, false, true])
  })

  test('says what became of the last own message only, and of each that has not arrived', () => {
    const shown = bubbles(
      rows(
        [message(1, 'visitor'), message(2, 'visitor'), message(3, 'admin')],
        [item('a', 'failed'), item('b', 'queued')],
      ),
    )
    expect(shown.map(({ delivery }) => delivery)).toEqual([null, 'sent', null, 'failed', 'queued'])
  })

  test('read is what the agents have read', () => {
    expect(bubbles(rows([message(1, 'visitor')], [], 1))[0]?.delivery).toBe('read')
  })

  test('a message keeps its key when it is stored', () => {
    const [before] = bubbles(rows([], [item('client-1', 'sending')]))
    const [after] = bubbles(rows([message(1, 'visitor', { clientId: 'client-1' })]))
    expect(after?.key).toBe(before?.key)
  })

  test("the other side's first unread begins under a line", () => {
    const shown = rows([message(1, 'admin'), message(2, 'visitor'), message(3, 'admin'), message(4, 'admin')], [], 0, 1)
    expect(shown.map(({ kind }) => kind)).toEqual(['day', 'bubble', 'bubble', 'new', 'bubble', 'bubble'])
  })

  test('no line stands above everything, or where nothing of the other side is new', () => {
    expect(rows([message(1, 'admin')], [], 0, 0).map(({ kind }) => kind)).toEqual(['day', 'bubble'])
    expect(rows([message(1, 'admin'), message(2, 'visitor')], [], 0, 1).some(({ kind }) => kind === 'new')).toBe(false)
    expect(rows([message(1, 'admin')], [item('a', 'queued')], 0, 1).some(({ kind }) => kind === 'new')).toBe(false)
  })
})

describe('quickReplies', () => {
  const asked = (metadataJson: string | null) => [message(1, 'admin', { metadataJson })]

  test('are those of the newest message', () => {
    expect(quickReplies(asked('{"quickReplies":["Yes","No"]}'), [])).toEqual(['Yes', 'No'])
  })

  test('go when the visitor answers, in words or on the way', () => {
    const messages = [...asked('{"quickReplies":["Yes"]}'), message(2, 'visitor')]
    expect(quickReplies(messages, [])).toEqual([])
    expect(quickReplies(asked('{"quickReplies":["Yes"]}'), [item('a', 'queued')])).toEqual([])
  })

  test.each(['', 'no json', '[]', '{}', '{"quickReplies":"Yes"}', '{"quickReplies":[1,null,""]}'])(
    'metadata %j has none',
    (metadata) => {
      expect(quickReplies(asked(metadata), [])).toEqual([])
    },
  )
})

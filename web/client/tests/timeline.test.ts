import type { Message } from '@kefu/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { Timeline } from '../src/index.ts'

const message = (seq: number, over: Partial<Message> = {}): Message => ({
  ...{ id: `m${seq}`, conversationId: 'c1', seq, senderType: 'admin', adminId: null, author: null },
  ...{ bodyText: `text ${seq}`, metadataJson: null, createdAt: '2026-01-01T00:00:00.000Z', clientId: null },
  ...over,
})
const seqs = (timeline: Timeline) => timeline.messages.map(({ seq }) => seq)

describe('Timeline', () => {
  let timeline: Timeline
  beforeEach(() => {
    timeline = new Timeline()
    timeline.open('c1', 'e1')
  })

  test('orders by seq and keeps each once', () => {
    expect([2, 1, 3, 2].map((seq) => timeline.insert(message(seq)))).toEqual([true, true, true, false])
    expect(seqs(timeline)).toEqual([1, 2, 3])
  })

  test('a known seq takes the newer wording', () => {
    timeline.insert(message(1, { bodyText: ' as typed ' }))
    timeline.insert(message(1, { bodyText: 'as stored' }))
    expect(timeline.messages[0]?.bodyText).toBe('as stored')
  })

  test('refuses messages of another conversation', () => {
    expect(timeline.insert(message(1, { conversationId: 'c2' }))).toBe(false)
    expect(seqs(timeline)).toEqual([])
  })

  test('a hole leaves the place before it and says that it is behind', () => {
    for (const seq of [1, 2, 4, 5]) timeline.insert(message(seq))
    expect(timeline.place).toEqual({ afterSeq: 2, afterId: 'm2' })
    expect(timeline.isBehind).toBe(true)
    timeline.insert(message(3))
    expect(timeline.place).toEqual({ afterSeq: 5, afterId: 'm5' })
    expect(timeline.isBehind).toBe(false)
  })

  test('an announced seq that is not held means behind', () => {
    expect(timeline.isBehind).toBe(false)
    timeline.announce(1)
    expect(timeline.isBehind).toBe(true)
  })

  test('a history that starts later has older messages, and no hole', () => {
    timeline.merge({ messages: [message(51), message(52)], seq: 52, epoch: 'e1' })
    expect([timeline.hasOlder, timeline.isBehind]).toEqual([true, false])
    timeline.merge({ messages: [message(50)], seq: 52, epoch: 'e1' })
    expect(seqs(timeline)).toEqual([50, 51, 52])
  })

  test('merge returns only what is new', () => {
    timeline.insert(message(1))
    const fresh = timeline.merge({ messages: [message(1), message(2)], seq: 2, epoch: 'e1' })
    expect(fresh.map(({ seq }) => seq)).toEqual([2])
  })

  test('an explicit reset and another epoch both drop what was held', () => {
    for (const seq of [1, 2, 3]) timeline.insert(message(seq))
    timeline.merge({ messages: [message(1)], seq: 1, epoch: 'e1', reset: true })
    expect([seqs(timeline), timeline.top]).toEqual([[1], 1])
    timeline.merge({ messages: [message(7)], seq: 7, epoch: 'e2' })
    expect([seqs(timeline), timeline.epoch]).toEqual([[7], 'e2'])
  })

  test('an epoch that nobody had told yet resets nothing when it comes', () => {
    timeline.open('c9', '')
    timeline.insert(message(1, { conversationId: 'c9' }))
    timeline.open('c9', 'e1')
    expect(seqs(timeline)).toEqual([1])
    expect(timeline.epoch).toBe('e1')
  })

  test('another conversation starts empty', () => {
    timeline.insert(message(1))
    timeline.open('c2', 'e1')
    expect([seqs(timeline), timeline.top, timeline.place]).toEqual([[], 0, null])
  })
})

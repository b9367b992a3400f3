/**
 * One conversation that this agent has opened: its messages and notes, kept whole over lost fan-outs and reconnects.
 * Knows its own events; which conversation is on the screen is `conversations.ts`.
 */

import { CatchUp, Refused, Timeline } from '@kefu/client'
import type { InboxRow, JoinAck, Message, Note } from '@kefu/protocol'
import type { Thread } from '../state/state.ts'
import type { AgentConnection } from './connection.ts'

const OLDER_PAGE_MESSAGES = 50

export class OpenedConversation {
  readonly id: string
  readonly #connection: AgentConnection
  readonly #show: (change: Partial<Thread>) => void
  readonly #timeline = new Timeline()
  readonly #notes = new Map<number, Note>()
  readonly #catchUp: CatchUp
  #noteTop = 0
  #isLoadingOlder = false

  /** @param show takes what changed of the thread */
  constructor(id: string, connection: AgentConnection, show: (change: Partial<Thread>) => void) {
    this.id = id
    this.#connection = connection
    this.#show = show
    this.#catchUp = new CatchUp({
      timeline: this.#timeline,
      ask: (place) => this.#sync(place),
      onFilled: () => this.#changed(),
    })
  }

  get top(): number {
    return this.#timeline.top
  }

  get hasOlder(): boolean {
    return this.#timeline.hasOlder
  }

  /**
   * Joins, or joins again after a reconnect: only what came since is answered then.
   *
   * @param onRow takes the row as it stands, before the messages are shown
   * @throws Refused or Unanswered
   */
  async join(onRow: (row: InboxRow) => void): Promise<void> {
    const { place, epoch } = this.#timeline
    const from = place ? { ...place, epoch } : {}
    const ack = await this.#connection.link.request('admin_join', { conversationId: this.id, ...from })
    onRow(ack.row)
    this.#joined(ack, place !== null)
  }

  leave(): void {
    this.#catchUp.stop()
    this.#connection.link.tell('admin_leave', { conversationId: this.id })
  }

  message(message: Message): void {
    this.#timeline.insert(message)
    this.#changed()
    if (this.#timeline.isBehind) this.#catchUp.soon()
  }

  note(note: Note): void {
    if (note.noteSeq > this.#noteTop + 1) void this.#catchUp.now()
    this.#putNotes([note])
    this.#changed()
  }

  /** An inbox row says how far the conversation has come. */
  announce(row: InboxRow): void {
    this.#timeline.announce(row.seq)
    if (this.#timeline.isBehind) this.#catchUp.soon()
    else if (row.noteSeq > this.#noteTop) void this.#catchUp.now()
  }

  /** Puts the page before the oldest message in front. Never rejects: scrolling up again asks again. */
  async loadOlder(): Promise<void> {
    const beforeSeq = this.#timeline.messages[0]?.seq
    if (this.#isLoadingOlder || !this.hasOlder || beforeSeq === undefined) return
    this.#isLoadingOlder = true
    this.#show({ loadingOlder: true })
    try {
      const question = { conversationId: this.id, beforeSeq, limit: OLDER_PAGE_MESSAGES }
      const page = await this.#connection.link.request('admin_sync', question)
      this.#putNotes(page.notes)
      this.#timeline.merge(page)
      this.#changed()
    } catch (error) {
      if (error instanceof Refused) this.#connection.notice(error.code)
    } finally {
      this.#isLoadingOlder = false
      this.#show({ loadingOlder: false })
    }
  }

  async #sync(place: { afterSeq: number; afterId?: string }) {
    const question = { conversationId: this.id, ...place, afterNoteSeq: this.#noteRun() }
    const page = await this.#connection.link.request('admin_sync', question)
    this.#putNotes(page.notes)
    if (page.notes.length > 0) this.#changed()
    return page
  }

  #joined(ack: JoinAck, isResume: boolean): void {
    if (ack.reset || ack.epoch !== this.#timeline.epoch) this.#notes.clear()
    this.#timeline.open(this.id, ack.epoch)
    this.#timeline.merge(ack)
    this.#putNotes(ack.notes)
    this.#changed()
    if (isResume && (this.#timeline.isBehind || ack.more)) void this.#catchUp.now()
  }

  #putNotes(notes: readonly Note[]): void {
    for (const note of notes) this.#notes.set(note.noteSeq, note)
    this.#noteTop = Math.max(0, ...this.#notes.keys())
  }

  /** The end of the unbroken run of notes, counted from the first that is held. */
  #noteRun(): number {
    const held = [...this.#notes.keys()].sort((a, b) => a - b)
    let end = held[0] ?? 0
    for (const seq of held) if (seq === end + 1) end = seq
    return end
  }

  #changed(): void {
    this.#show({
      state: 'ready',
      error: null,
      messages: this.#timeline.messages,
      notes: [...this.#notes.values()].sort((a, b) => a.noteSeq - b.noteSeq),
    })
  }
}

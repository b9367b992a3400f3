// The visitor's half of chat-server in memory: numbers messages, stores a clientId once, resumes, pages, closes.
import type { Message, VisitorHello, VisitorMessage, VisitorSync } from '@kefu/protocol'
import { FakeSocket } from './fake-socket.ts'

export interface FakeConversation {
  id: string
  status: 'open' | 'closed'
  messages: Message[]
}

export class FakeServer {
  readonly sockets: FakeSocket[] = []
  conversation: FakeConversation | null = null
  epoch = 'epoch-1'
  /** Returns an answer instead of the usual one; `undefined` goes on, `null` stays silent. */
  intercept: (event: string, payload: Record<string, unknown>) => unknown = () => undefined
  #conversations = 0

  readonly open = (_origin: string, options: object): FakeSocket => {
    const socket = new FakeSocket(options)
    socket.serve = (event, payload) => this.#serve(socket, event, payload)
    this.sockets.push(socket)
    return socket
  }

  get socket(): FakeSocket {
    return this.sockets[0] as FakeSocket
  }

  begin(): FakeConversation {
    this.conversation = { id: `c${++this.#conversations}`, status: 'open', messages: [] }
    return this.conversation
  }

  /** Stores a message; `tell` as the fan-out does, which may be lost. */
  store(bodyText: string, senderType: Message['senderType'], clientId: string | null = null, tell = true): Message {
    const conversation = this.conversation ?? this.begin()
    const seq = conversation.messages.length + 1
    const message: Message = {
      ...{ id: `${conversation.id}-${seq}`, conversationId: conversation.id, seq, senderType, bodyText, clientId },
      ...{ adminId: null, metadataJson: null, createdAt: new Date(1_700_000_000_000 + seq * 1000).toISOString() },
      author: senderType === 'admin' ? { name: 'Lin', avatarUrl: null } : null,
    }
    conversation.messages.push(message)
    if (tell) this.tell('message_new', message)
    return message
  }

  tell(event: string, payload: unknown): void {
    for (const socket of this.sockets) if (socket.connected) socket.hear(event, payload)
  }

  #serve(socket: FakeSocket, event: string, payload: never): unknown {
    const intercepted = this.intercept(event, payload)
    if (intercepted !== undefined) return intercepted ?? undefined
    if (event === 'visitor_hello') return this.#hello(payload)
    if (event === 'visitor_message') return this.#message(socket, payload)
    if (event === 'visitor_sync') return this.#sync(payload)
    return { ok: true }
  }

  #hello({ afterSeq, afterId, epoch, visitorToken }: VisitorHello): unknown {
    const all = this.conversation?.messages ?? []
    const knows = afterSeq != null && epoch === this.epoch && all[afterSeq - 1]?.id === afterId
    return {
      ...{ ok: true, conversationId: this.conversation?.id ?? null, status: this.conversation?.status ?? null },
      ...{ seq: all.length, epoch: this.epoch, visitorToken: visitorToken ?? 'token-1', agentReadSeq: 0, agent: null },
      ...{ resumed: this.conversation !== null, reset: afterSeq != null && !knows, visitorReadSeq: 0, more: false },
      messages: knows ? all.slice(afterSeq) : all.slice(-50),
    }
  }

  #message(socket: FakeSocket, { clientId, bodyText, conversationId }: VisitorMessage): unknown {
    const known = this.conversation?.messages.find((message) => message.clientId === clientId)
    if (known) return { ok: true, ...known, duplicate: true }
    if (!this.conversation) {
      const { id } = this.begin()
      socket.hear('conversation_open', { conversationId: id, status: 'open', seq: 0, epoch: this.epoch })
    } else if (conversationId !== this.conversation.id && conversationId) {
      return { ok: false, error: 'CONVERSATION_CLOSED', message: 'closed' }
    }
    const message = this.store(bodyText, 'visitor', clientId ?? null, false)
    setTimeout(() => this.tell('message_new', message), 0) // after the ack
    const { id, seq, createdAt } = message
    return { ok: true, id, seq, createdAt, conversationId: message.conversationId, duplicate: false }
  }

  #sync({ afterSeq, afterId, beforeSeq, limit = 50 }: VisitorSync): unknown {
    const all = this.conversation?.messages ?? []
    const base = { ok: true, seq: all.length, epoch: this.epoch, reset: false }
    if (beforeSeq != null) {
      const older = all.filter(({ seq }) => seq < beforeSeq)
      return { ...base, messages: older.slice(-limit), more: older.length > limit }
    }
    const from = afterSeq ?? 0
    const knows = from === 0 || all[from - 1]?.id === afterId
    if (!knows) return { ...base, reset: true, messages: all.slice(-limit), more: false }
    return { ...base, messages: all.slice(from, from + limit), more: all.length > from + limit }
  }
}

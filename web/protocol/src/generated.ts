// Generated from src/kefu/wire by `python hatch_build.py --protocol`. Do not edit.

/**
 * Why something was refused; clients branch on it, people read the message beside it.
 */
export type ErrorCode =
  | 'CONFLICT'
  | 'CONVERSATION_CLOSED'
  | 'CONVERSATION_NOT_FOUND'
  | 'COOLDOWN'
  | 'FORBIDDEN'
  | 'INVALID_EVENT'
  | 'INVALID_INPUT'
  | 'IP_BLOCKED'
  | 'RATE_LIMITED'
  | 'TOKEN_EXPIRED'
  | 'TOO_LARGE'
  | 'UNAUTHORIZED'
  | 'UNAVAILABLE'

/**
 * Everything that crosses the sockets, and what the console reads by HTTP.
 */
export interface Contract {
  VisitorEvents: VisitorEvents
  AgentEvents: AgentEvents
  ToVisitor: ToVisitor
  ToAgent: ToAgent
  RefusedAck: RefusedAck
  DoctorReport: DoctorReport
}
/**
 * Visitor → server.
 */
export interface VisitorEvents {
  visitor_hello: {
    payload: VisitorHello
    ack: VisitorHelloAck
  }
  visitor_message: {
    payload: VisitorMessage
    ack: MessageAck
  }
  visitor_typing: {
    payload: VisitorTyping
    ack: OkAck
  }
  visitor_read: {
    payload: VisitorRead
    ack: OkAck
  }
  visitor_sync: {
    payload: VisitorSync
    ack: SyncAck
  }
}
/**
 * Says who is there and opens or resumes the visitor's conversation.
 *
 * `defer` opens none before the first message. `afterSeq`, `afterId` and `epoch` together resume: only what came
 * later is answered.
 */
export interface VisitorHello {
  sessionId?: string | null
  entryUrl?: string | null
  referrer?: string | null
  visitorName?: string | null
  visitorEmail?: string | null
  visitorPhone?: string | null
  siteKey?: string | null
  visitorToken?: string | null
  identity?: string | null
  locale?: string | null
  timezone?: string | null
  title?: string | null
  defer?: boolean
  afterSeq?: number | null
  afterId?: string | null
  epoch?: string | null
}
/**
 * The visitor's conversation as it stands.
 *
 * `conversationId` is null until a deferred one exists; `agent` is who serves the visitor. `reset` tells a resuming
 * client to drop what it holds.
 */
export interface VisitorHelloAck {
  conversationId: string | null
  status: ('closed' | 'open') | null
  seq: number
  epoch: string
  visitorToken: string | null
  resumed: boolean
  messages: Message[]
  more: boolean
  reset: boolean
  agentReadSeq: number
  visitorReadSeq: number
  agent: Author | null
  ok: true
}
/**
 * One line of a conversation that both sides see.
 *
 * `seq` counts 1, 2, 3 … in its conversation without a gap. `adminId` is null for visitors' sockets. `createdAt` is
 * ISO-8601 UTC with milliseconds. `metadataJson` is a JSON text or null.
 */
export interface Message {
  id: string
  conversationId: string
  seq: number
  senderType: 'admin' | 'system' | 'visitor'
  adminId: string | null
  author: Author | null
  bodyText: string
  metadataJson: string | null
  createdAt: string
  clientId: string | null
}
/**
 * Who wrote a message, as the other side may see it.
 */
export interface Author {
  name: string
  avatarUrl: string | null
}
/**
 * A visitor's message. Without `conversationId` it goes to their own open conversation, made if there is none.
 */
export interface VisitorMessage {
  bodyText: string
  conversationId?: string | null
  clientId?: string | null
}
/**
 * The message is committed and durable. `duplicate`: it already was, this is the first answer again.
 */
export interface MessageAck {
  id: string
  conversationId: string
  seq: number
  createdAt: string
  duplicate: boolean
  ok: true
}
/**
 * The visitor types (`typing`), with what stands in the box (`draft`) if the site shares it.
 */
export interface VisitorTyping {
  conversationId?: string | null
  typing?: boolean
  draft?: string | null
}
/**
 * Done; there is nothing more to say.
 */
export interface OkAck {
  ok: true
}
/**
 * The visitor has seen everything up to `seq`.
 */
export interface VisitorRead {
  seq: number
  conversationId?: string | null
}
/**
 * Asks for what came after (`afterSeq` + `afterId`) or for older pages (`beforeSeq`); `limit` 1–200.
 */
export interface VisitorSync {
  conversationId?: string | null
  afterSeq?: number | null
  afterId?: string | null
  beforeSeq?: number | null
  limit?: number
}
/**
 * What was missing, oldest first; `reset`: the client's place is unknown here, this is the newest page instead.
 *
 * `more` means that the page was cut: ask again from its end.
 */
export interface SyncAck {
  messages: Message[]
  seq: number
  epoch: string
  more: boolean
  reset: boolean
  ok: true
}
/**
 * Agent → server.
 */
export interface AgentEvents {
  admin_auth: {
    payload: AdminAuth
    ack: AdminAuthedAck
  }
  admin_inbox: {
    payload: AdminInbox
    ack: InboxAck
  }
  admin_join: {
    payload: AdminJoin
    ack: JoinAck
  }
  admin_leave: {
    payload: AdminLeave
    ack: OkAck
  }
  admin_message: {
    payload: AdminMessage
    ack: MessageAck
  }
  admin_note: {
    payload: AdminNote
    ack: NoteAck
  }
  admin_assign: {
    payload: AdminAssign
    ack: OkAck
  }
  admin_close: {
    payload: AdminClose
    ack: OkAck
  }
  admin_reopen: {
    payload: AdminReopen
    ack: OkAck
  }
  admin_typing: {
    payload: AdminTyping
    ack: OkAck
  }
  admin_read: {
    payload: AdminRead
    ack: OkAck
  }
  admin_sync: {
    payload: AdminSync
    ack: AdminSyncAck
  }
}
/**
 * Presents a token, first or refreshed.
 */
export interface AdminAuth {
  token: string
}
/**
 * Ack of `admin_auth` and payload of `admin_authed`. `expiresAt` is ISO-8601; refresh before it.
 */
export interface AdminAuthedAck {
  adminId: string
  role: 'admin' | 'agent' | 'owner' | 'viewer'
  expiresAt: string
  name: string | null
  ok: true
}
/**
 * Asks for conversations.
 *
 * `filter` and `cursor` page through one tab, newest activity first. `since` (the mark of an earlier answer) asks for
 * every conversation written since, whatever its tab: some twice, none missed; its pages continue by `cursor` too, and
 * the mark to keep is that of the first page.
 */
export interface AdminInbox {
  filter?: 'all' | 'closed' | 'mine' | 'unassigned'
  cursor?: string | null
  since?: string | null
  limit?: number
}
/**
 * A page of the inbox. `cursor` continues it while `more`; `since` is the mark to ask from next time.
 */
export interface InboxAck {
  rows: InboxRow[]
  cursor: string | null
  more: boolean
  since: string
  counts: InboxCounts | null
  ok: true
}
/**
 * A conversation as agents see it in their list, and the payload of their `conversation_update`.
 *
 * `seq` is the top message, `unread` the visitor's messages that no agent has read. `waitingSince` is when the
 * visitor's oldest unanswered message came, null when none waits. `visitorOnline` is null where it is not known.
 */
export interface InboxRow {
  conversationId: string
  status: 'closed' | 'open'
  assignedTo: string | null
  assigneeName: string | null
  seq: number
  noteSeq: number
  unread: number
  preview: string
  previewSender: ('admin' | 'system' | 'visitor') | null
  lastMessageAt: string | null
  waitingSince: string | null
  visitorReadSeq: number
  agentReadSeq: number
  visitorName: string | null
  visitorEmail: string | null
  visitorPhone: string | null
  entryUrl: string | null
  referrer: string | null
  pageTitle: string | null
  locale: string | null
  timezone: string | null
  createdAt: string
  closedAt: string | null
  visitorOnline: boolean | null
}
/**
 * Conversations a tab, not the page: for the numbers beside the tabs.
 */
export interface InboxCounts {
  mine: number
  unassigned: number
  all: number
  closed: number
}
/**
 * Opens a conversation: its messages, notes, typing and reads come to this socket from now on.
 */
export interface AdminJoin {
  conversationId: string
  afterSeq?: number | null
  afterId?: string | null
  epoch?: string | null
}
/**
 * The conversation as it stands: newest page of messages (or what came after `afterSeq`), its notes and its row.
 */
export interface JoinAck {
  conversationId: string
  status: 'closed' | 'open'
  seq: number
  epoch: string
  messages: Message[]
  notes: Note[]
  row: InboxRow
  more: boolean
  reset: boolean
  ok: true
}
/**
 * A private note: a line that only agents see.
 *
 * `noteSeq` counts notes of the conversation 1, 2, 3 …; `afterSeq` is the top message `seq` when it was written, which
 * gives its place in the thread.
 */
export interface Note {
  id: string
  conversationId: string
  noteSeq: number
  afterSeq: number
  adminId: string | null
  bodyText: string
  createdAt: string
  author: Author | null
  clientId: string | null
}
/**
 * Closes a conversation on this socket; its updates still come as `conversation_update`.
 */
export interface AdminLeave {
  conversationId: string
}
/**
 * An agent's reply, with up to 10 quick replies of 80 characters that the visitor may tap.
 */
export interface AdminMessage {
  conversationId: string
  bodyText: string
  quickReplies?: string[]
  clientId?: string | null
}
/**
 * A private note.
 */
export interface AdminNote {
  conversationId: string
  bodyText: string
  clientId?: string | null
}
/**
 * The note is committed.
 */
export interface NoteAck {
  id: string
  conversationId: string
  noteSeq: number
  createdAt: string
  duplicate: boolean
  ok: true
}
/**
 * Assigns to `adminId`; absent: to oneself; empty text: to nobody.
 */
export interface AdminAssign {
  conversationId: string
  adminId?: string | null
}
/**
 * Closes the conversation.
 */
export interface AdminClose {
  conversationId: string
}
/**
 * Opens a closed conversation again.
 */
export interface AdminReopen {
  conversationId: string
}
/**
 * The agent types.
 */
export interface AdminTyping {
  conversationId: string
  typing?: boolean
}
/**
 * Agents have seen everything up to `seq`.
 */
export interface AdminRead {
  conversationId: string
  seq: number
}
/**
 * Asks for messages as `visitor_sync` does, and for the notes after `afterNoteSeq`.
 */
export interface AdminSync {
  conversationId: string
  afterSeq?: number | null
  afterId?: string | null
  beforeSeq?: number | null
  afterNoteSeq?: number | null
  limit?: number
}
/**
 * What was missing, oldest first; see `SyncAck`.
 */
export interface AdminSyncAck {
  messages: Message[]
  notes: Note[]
  seq: number
  noteSeq: number
  epoch: string
  more: boolean
  reset: boolean
  ok: true
}
/**
 * Server → visitor.
 */
export interface ToVisitor {
  conversation_open: ConversationOpen
  message_history: MessageHistory
  message_new: Message
  conversation_update: ConversationUpdate
  typing: Typing
  read: Read
  server_restart: ServerRestart
  error: ErrorEvent
}
/**
 * A conversation is there: after a hello, a join, or when a new one takes the place of a closed one.
 */
export interface ConversationOpen {
  conversationId: string
  status: 'closed' | 'open'
  seq: number
  epoch: string
}
/**
 * The newest page, oldest first: at most 50 messages and 256 KiB.
 */
export interface MessageHistory {
  conversationId: string
  messages: Message[]
}
/**
 * The visitor's own conversation changed. `assignedTo` is always null here; `agent` is who serves them.
 */
export interface ConversationUpdate {
  conversationId: string
  status: 'closed' | 'open'
  assignedTo: null
  agent: Author | null
  seq: number
}
/**
 * Somebody types in the conversation. `draft` reaches agents only.
 */
export interface Typing {
  conversationId: string
  senderType: 'admin' | 'system' | 'visitor'
  typing: boolean
  author: Author | null
  adminId: string | null
  draft: string | null
}
/**
 * One side has seen everything up to `seq`. `senderType` is the side that read.
 */
export interface Read {
  conversationId: string
  senderType: 'admin' | 'system' | 'visitor'
  seq: number
  adminId: string | null
}
/**
 * The server stops; connect again after this many milliseconds (spread at random over clients).
 */
export interface ServerRestart {
  reconnectInMs: number
}
/**
 * Event `error`: how a refusal reaches a client that asked for no ack.
 */
export interface ErrorEvent {
  error: ErrorCode
  message: string
  retryAfterMs?: number | null
}
/**
 * Server → agent.
 */
export interface ToAgent {
  conversation_open: ConversationOpen
  message_history: MessageHistory
  message_new: Message
  note_new: Note
  conversation_update: AgentConversationUpdate
  admin_authed: AdminAuthedAck
  typing: Typing
  read: Read
  presence: Presence
  server_restart: ServerRestart
  error: ErrorEvent
}
/**
 * A conversation changed, for every agent, joined or not: its whole inbox row.
 */
export interface AgentConversationUpdate {
  conversationId: string
  status: 'closed' | 'open'
  assignedTo: string | null
  assigneeName: string | null
  seq: number
  noteSeq: number
  unread: number
  preview: string
  previewSender: ('admin' | 'system' | 'visitor') | null
  lastMessageAt: string | null
  waitingSince: string | null
  visitorReadSeq: number
  agentReadSeq: number
  visitorName: string | null
  visitorEmail: string | null
  visitorPhone: string | null
  entryUrl: string | null
  referrer: string | null
  pageTitle: string | null
  locale: string | null
  timezone: string | null
  createdAt: string
  closedAt: string | null
  visitorOnline: boolean | null
}
/**
 * To agents: the visitor of a conversation came online or went.
 */
export interface Presence {
  conversationId: string
  online: boolean
}
/**
 * The ack of a refused event.
 */
export interface RefusedAck {
  ok: false
  error: ErrorCode
  message: string
  retryAfterMs?: number | null
}
/**
 * What chat-server finds wrong with itself, and how it sees the one who asks.
 */
export interface DoctorReport {
  findings: DoctorFinding[]
  seen: RequestSeen
}
/**
 * Something that is wrong: its stable code, what was found, and the line to write or to run.
 */
export interface DoctorFinding {
  code: string
  severity: 'failure' | 'warning'
  subject: string
  found: string
  change: string
  facts: {
    [k: string]: string
  }
  file: string | null
}
/**
 * A request as it arrived: the other end of the connection, what proxies said, and whom that makes the client.
 */
export interface RequestSeen {
  peer: string
  peerPort: number
  isTrusted: boolean
  trusted: string[]
  forwardedFor: string | null
  realIp: string | null
  address: string
}

import { afterEach, expect, it } from 'vitest'
import { LOADING_THREAD, type Thread } from '../../src/state/state.ts'
import { ThreadPane } from '../../src/ui/thread/ThreadPane.tsx'
import { type Drawing, draw, stateWith } from '../support/draw.tsx'
import { ME, message, note, row } from '../support/shapes.ts'

let drawing: Drawing
afterEach(() => drawing.end())

const pane = <ThreadPane isContextShown={false} onToggleContext={() => undefined} />

function opened(
  thread: Partial<Thread>,
  rowChange: Parameters<typeof row>[1] = {},
  change: Parameters<typeof stateWith>[1] = {},
) {
  const held: Thread = { ...LOADING_THREAD, state: 'ready', ...thread }
  return stateWith([row('c1', rowChange)], { openId: 'c1', threads: new Map([['c1', held]]), ...change })
}

const seqs = () =>
  [...drawing.root.querySelectorAll<HTMLElement>('[data-testid="message"]')].map((one) => one.dataset.seq)

it('shows messages by seq and notes apart from them', async () => {
  drawing = await draw(pane, {
    state: opened({ messages: [message(1), message(2)], notes: [note(1, 1, { bodyText: 'psst' })] }),
  })
  expect(seqs()).toEqual(['1', '2'])
  expect(drawing.find('note').textContent).toContain('psst')
  expect(drawing.find('note').textContent).toContain('Private note')
  expect(drawing.find('thread').getAttribute('role')).toBe('log')
})

it('shows text as text, and only safe links as links', async () => {
  const bodyText = '<img src=x onerror=alert(1)> https://a.example javascript:alert(1)'
  drawing = await draw(pane, { state: opened({ messages: [message(1, { bodyText })] }) })
  const element = drawing.find('message')
  expect(element.querySelector('img')).toBeNull()
  expect(element.textContent).toContain('<img src=x')
  const links = [...element.querySelectorAll('a')]
  expect(links.map((link) => link.getAttribute('href'))).toEqual(['https://a.example/'])
  expect(links[0]?.getAttribute('rel')).toContain('noopener')
  expect(element.querySelector('[dir="auto"]')).not.toBeNull()
})

it('says that everything in sight has been seen', async () => {
  drawing = await draw(pane, { state: opened({ messages: [message(1)] }, { unread: 1 }) })
  expect(drawing.actions.seen).toHaveBeenCalledWith('c1')
})

it('what was seen while the server was away is told when it is back', async () => {
  drawing = await draw(pane, { state: opened({ messages: [message(1)] }, { unread: 1 }, { connection: 'offline' }) })
  expect(drawing.actions.seen).not.toHaveBeenCalled()
  await drawing.change((state) => ({ ...state, connection: 'online' }))
  expect(drawing.actions.seen).toHaveBeenCalledWith('c1')
})

it('shows each message’s honest state, and what to do about a failed one', async () => {
  const outgoing = {
    clientId: 'x',
    kind: 'reply',
    text: 'hello',
    quickReplies: [],
    state: 'sending',
    error: null,
    createdAt: '2026-11-22T08:00:00.000Z',
  } as const
  drawing = await draw(pane, { state: opened({}, {}, { outgoing: new Map([['c1', [outgoing]]]) }) })
  expect(drawing.find('outgoing').textContent).toContain('Sending…')
  await drawing.change((state) => ({
    ...state,
    outgoing: new Map([['c1', [{ ...outgoing, state: 'failed', error: 'CONVERSATION_CLOSED' }]]]),
  }))
  expect(drawing.find('outgoing').textContent).toContain('hello')
  expect(drawing.find('outgoing').textContent).toContain('The conversation is closed.')
  await drawing.click(drawing.button('Retry'))
  expect(drawing.actions.retry).toHaveBeenCalledWith('x')
  await drawing.click(drawing.button('Edit'))
  expect(drawing.actions.edit).toHaveBeenCalledWith('x')
  await drawing.change((state) => ({
    ...state,
    outgoing: new Map([['c1', [{ ...outgoing, state: 'failed', error: 'NEVER_HEARD_OF' }]]]),
  }))
  expect(drawing.find('outgoing').textContent).toContain('Something went wrong.')
})

it('offers to take a conversation, to give it back, and to close it', async () => {
  drawing = await draw(pane, { state: opened({}) })
  expect(drawing.find('assign').textContent).toBe('Assign to me')
  await drawing.click(drawing.find('assign'))
  expect(drawing.actions.assign).toHaveBeenCalledWith('c1', true)
  await drawing.click(drawing.button('Close'))
  expect(drawing.actions.close).toHaveBeenCalledWith('c1')
  await drawing.end()
  drawing = await draw(pane, { state: opened({}, { assignedTo: ME }) })
  expect(drawing.find('assign').textContent).toBe('Unassign')
  await drawing.click(drawing.find('assign'))
  expect(drawing.actions.assign).toHaveBeenCalledWith('c1', false)
})

it('a closed conversation offers to be reopened instead of a composer', async () => {
  drawing = await draw(pane, { state: opened({}, { status: 'closed' }) })
  expect(drawing.root.querySelector('[data-testid="composer"]')).toBeNull()
  await drawing.click(drawing.button('Reopen'))
  expect(drawing.actions.reopen).toHaveBeenCalledWith('c1')
})

it('a viewer sees everything and is offered nothing', async () => {
  const me = { adminId: ME, role: 'viewer', name: 'Vera' } as const
  drawing = await draw(pane, { state: opened({ messages: [message(1)] }, {}, { me }) })
  expect(seqs()).toEqual(['1'])
  expect(drawing.root.querySelector('[data-testid="assign"], [data-testid="composer"]')).toBeNull()
  expect(drawing.root.textContent).toContain('You can read conversations')
})

it('shows what the visitor is writing', async () => {
  const typing = new Map([['c1', { visitor: { name: null, draft: 'and do you' }, agents: new Map() }]])
  drawing = await draw(pane, { state: opened({}, { visitorName: 'Maya' }, { typing }) })
  expect(drawing.find('visitor-typing').textContent).toContain('and do you')
  expect(drawing.find('visitor-typing').textContent).toContain('Maya is typing')
})

it('without conversations it says how the first one gets here', async () => {
  drawing = await draw(pane, { state: stateWith([]), language: 'zh-CN' })
  expect(drawing.root.querySelector('pre')?.textContent).toContain('https://chat.example/chat/widget/widget.js')
  expect(drawing.root.textContent).toContain('接入您的第一位访客')
})

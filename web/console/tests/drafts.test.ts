import { beforeEach, expect, it } from 'vitest'
import { type Draft, EMPTY_DRAFT, isEmptyDraft, loadDrafts, putDraft, saveDrafts } from '../src/state/drafts.ts'

const text = (words: string): Draft => ({ ...EMPTY_DRAFT, text: words })

beforeEach(() => localStorage.clear())

it('a draft survives a reload, an empty one leaves no trace', () => {
  const drafts = putDraft(putDraft(new Map(), 'a', text('half a sen')), 'b', text('  '))
  saveDrafts(localStorage, 'agent-1', drafts)
  expect([...loadDrafts(localStorage, 'agent-1')]).toEqual([['a', text('half a sen')]])
})

it('belongs to its agent', () => {
  saveDrafts(localStorage, 'agent-1', putDraft(new Map(), 'a', text('mine')))
  expect(loadDrafts(localStorage, 'agent-2').size).toBe(0)
})

it('a chosen note mode is kept before a word is written', () => {
  expect(putDraft(new Map(), 'a', { ...EMPTY_DRAFT, mode: 'note' }).has('a')).toBe(true)
})

it('quick replies alone make a draft', () => {
  expect(isEmptyDraft({ ...EMPTY_DRAFT, quickReplies: ['Yes'] })).toBe(false)
})

it('broken storage costs the persistence only', () => {
  for (const broken of ['no json', '{}', '[["a"]]', '[["a",{"text":1}]]', '[["a",null]]', 'null']) {
    localStorage.setItem('kefu_console_drafts:agent-1', broken)
    expect(loadDrafts(localStorage, 'agent-1').size).toBe(0)
  }
  expect(loadDrafts(null, 'agent-1').size).toBe(0)
  const full = {
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError')
    },
  } as unknown as Storage
  expect(() => saveDrafts(full, 'agent-1', putDraft(new Map(), 'a', text('x')))).not.toThrow()
})

it('the drafts written longest ago go first', () => {
  let drafts: ReadonlyMap<string, Draft> = new Map()
  for (let at = 0; at < 205; at++) drafts = putDraft(drafts, `c${at}`, text('x'))
  expect(drafts.size).toBe(200)
  expect(drafts.has('c4')).toBe(false)
  expect(drafts.has('c204')).toBe(true)
})

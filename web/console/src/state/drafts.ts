/**
 * What stands in each composer, kept over reloads.
 * Knows the browser's storage; a full or forbidden storage costs the persistence, never the text.
 */

export interface Draft {
  text: string
  mode: 'reply' | 'note'
  quickReplies: readonly string[]
}

export type Drafts = ReadonlyMap<string, Draft>

export const EMPTY_DRAFT: Draft = { text: '', mode: 'reply', quickReplies: [] }

/** Drafts kept; beyond it the ones written longest ago go. */
const DRAFTS_MAX = 200
const KEY = 'kefu_console_drafts'

export function isEmptyDraft(draft: Draft | undefined): boolean {
  return !draft || (draft.text.trim() === '' && draft.quickReplies.length === 0)
}

export function putDraft(drafts: Drafts, id: string, draft: Draft): Drafts {
  const next = new Map(drafts)
  next.delete(id)
  if (!isEmptyDraft(draft) || draft.mode !== 'reply') next.set(id, draft)
  while (next.size > DRAFTS_MAX) next.delete(next.keys().next().value as string)
  return next
}

/** @param owner the agent's id, so that two agents at one browser do not read each other's text */
export function loadDrafts(storage: Storage | null, owner: string): Drafts {
  try {
    const stored: unknown = JSON.parse(storage?.getItem(`${KEY}:${owner}`) ?? '[]')
    if (!Array.isArray(stored)) return new Map()
    return new Map(stored.filter(isEntry))
  } catch {
    return new Map()
  }
}

export function saveDrafts(storage: Storage | null, owner: string, drafts: Drafts): void {
  try {
    storage?.setItem(`${KEY}:${owner}`, JSON.stringify([...drafts]))
  } catch {
    // Storage is full or forbidden; the text is still in memory.
  }
}

function isEntry(value: unknown): value is [string, Draft] {
  if (!Array.isArray(value) || typeof value[0] !== 'string') return false
  const draft = value[1] as Partial<Draft> | null
  return (
    typeof draft?.text === 'string' &&
    (draft.mode === 'reply' || draft.mode === 'note') &&
    Array.isArray(draft.quickReplies) &&
    draft.quickReplies.every((reply) => typeof reply === 'string')
  )
}

/**
 * Finds the links in a text. Only http, https, mailto and tel become links; everything else stays text.
 * Pure; never makes HTML.
 */

/** `at` is where it begins in the text, so that each piece has a name. */
export type Piece = { at: number; text: string; href?: string }

const CANDIDATE =
  /https?:\/\/[^\s<>"'`，。！？；：、（）《》「」]+|(?:mailto|tel):[^\s<>"'`，。；]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/giu
const TRAILING = /[.,;:!?)\]}>'"]+$/u

export function splitLinks(text: string): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const match of text.matchAll(CANDIDATE)) {
    const found = trimmed(match[0])
    const href = hrefOf(found)
    if (!href) continue
    if (match.index > from) pieces.push({ at: from, text: text.slice(from, match.index) })
    pieces.push({ at: match.index, text: found, href })
    from = match.index + found.length
  }
  if (from < text.length) pieces.push({ at: from, text: text.slice(from) })
  return pieces
}

/** Punctuation after a link belongs to the sentence, except a bracket that the link itself opened. */
function trimmed(found: string): string {
  const bare = found.replace(TRAILING, '')
  const closes = found.slice(bare.length).startsWith(')') && bare.includes('(') && !bare.includes(')')
  return closes ? `${bare})` : bare
}

/** A link that is safe to follow, or null. */
export function hrefOf(text: string): string | null {
  const target = /^[a-z]+:/iu.test(text) ? text : `mailto:${text}`
  try {
    const url = new URL(target)
    return ['http:', 'https:', 'mailto:', 'tel:'].includes(url.protocol) ? url.href : null
  } catch {
    return null
  }
}

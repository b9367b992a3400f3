// Finds addresses in plain text. What is no link stays text; nothing here makes markup.

export type Piece = string | { text: string; href: string }

// Only ASCII: a sentence that goes on in Chinese right after an address is not part of it.
const ADDRESS = /\b(?:https?:\/\/|mailto:|tel:)[!-~]+/gi
const NOT_AT_THE_END = /[.,;:!?'"*_)\]}>]+$/
const SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:'])

/** The text cut into plain pieces and links, in order; joined they are the text again. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0])
    const href = hrefOf(address)
    if (!href) continue
    if (match.index > from) pieces.push(text.slice(from, match.index))
    pieces.push({ text: address, href })
    from = match.index + address.length
  }
  if (from < text.length) pieces.push(text.slice(from))
  return pieces
}

/** Without the punctuation of the sentence around it; a closing bracket stays if it was opened inside. */
function trimmed(found: string): string {
  const quote = found.search(/["<>`]/)
  const address = quote < 0 ? found : found.slice(0, quote)
  const end = NOT_AT_THE_END.exec(address)
  if (!end) return address
  const isBalanced = end[0].startsWith(')') && address.includes('(')
  return address.slice(0, isBalanced ? end.index + 1 : end.index)
}

function hrefOf(address: string): string | null {
  try {
    const { protocol, href } = new URL(address)
    return SCHEMES.has(protocol) ? href : null
  } catch {
    return null
  }
}

/**
 * Keeps rows still while somebody points at them.
 * Knows ids only; never decides what belongs to a list or how it is sorted.
 */

/**
 * The order to show while it is frozen: what was shown stays where it was, gone or not, and what is new waits.
 * @param shown ids as they stood when the pointer came
 * @param live ids as they would stand now
 * @returns `ids` to show, and how many `waiting` ones are held back
 */
export function freezeOrder(shown: readonly string[], live: readonly string[]): { ids: string[]; waiting: number } {
  const known = new Set(shown)
  return { ids: [...shown], waiting: live.filter((id) => !known.has(id)).length }
}

/** A person as a round mark: their initial on a quiet tint that stays the same for the same person. */

import { Icon } from './Icon.tsx'

/** The colours of `.kefu-tint-0` … in `base.css`, for both themes. */
const TINT_COUNT = 6

export interface AvatarProps {
  /** Decides the tint. */
  id: string
  /** Null or empty: somebody without a name. */
  name: string | null
  size?: 'sm' | 'md' | 'lg'
  /** A dot for who is here; nothing where it is not known. */
  online?: boolean | null
}

const SIZES = { sm: 'size-6 text-2xs', md: 'size-9 text-sm', lg: 'size-14 text-xl' }

export function Avatar({ id, name, size = 'md', online = null }: AvatarProps) {
  return (
    <span
      aria-hidden="true"
      className={`relative inline-grid shrink-0 place-items-center rounded-full font-semibold ${SIZES[size]} ${tintOf(id)}`}
    >
      {name?.trim() ? initial(name) : <Icon name="person" size={size === 'lg' ? 26 : size === 'md' ? 18 : 14} />}
      {online && (
        <span
          className={`absolute -end-px -bottom-px rounded-full border-2 border-surface bg-ok ${size === 'lg' ? 'size-4' : 'size-3'}`}
        />
      )}
    </span>
  )
}

function initial(name: string): string {
  return [...name.trim()][0]?.toLocaleUpperCase() ?? ''
}

function tintOf(id: string): string {
  let sum = 0
  for (const char of id) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0
  return `kefu-tint-${sum % TINT_COUNT}`
}

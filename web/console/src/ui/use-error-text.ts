/** Refusals in plain words. */

import { useCallback } from 'react'
import en from '../i18n/en.json'
import { type TextKey, useT } from '../i18n/i18n.tsx'

/** The sentence for an error code of the contract; one that is not known gets the general one. */
export function useErrorText(): (code: string | null) => string {
  const t = useT()
  return useCallback(
    (code) => t(code !== null && `error.${code}` in en ? (`error.${code}` as TextKey) : 'error.UNKNOWN'),
    [t],
  )
}

/** What people are called where they gave no name. */

import type { InboxRow } from '@kefu/protocol'
import { useCallback } from 'react'
import { type Translator, useT } from '../i18n/i18n.tsx'

const TAIL_LENGTH = 4

type Named = Pick<InboxRow, 'conversationId' | 'visitorName'>

/** A visitor's name, else one made of the end of the conversation's id: `Visitor ab12`. */
export function visitorName(row: Named, t: Translator): string {
  const given = row.visitorName?.trim()
  if (given) return given
  const tail = row.conversationId.replace(/[^a-z0-9]/giu, '').slice(-TAIL_LENGTH)
  return t('visitor.unnamed', { tail })
}

export function useVisitorName(): (row: Named) => string {
  const t = useT()
  return useCallback((row) => visitorName(row, t), [t])
}

/** Reads a visitor's new messages to screen readers: those that come while the thread is open, never history. */

import type { Message } from '@kefu/protocol'
import { useEffect, useRef, useState } from 'react'
import { useT } from '../../i18n/i18n.tsx'

/** Messages that come together are read together. */
const COALESCE_MS = 700

export function Announcer({ messages }: { messages: readonly Message[] }) {
  const t = useT()
  const announced = useRef<number | null>(null)
  const [text, setText] = useState('')
  useEffect(() => {
    const top = messages.at(-1)?.seq ?? 0
    if (announced.current === null) {
      if (top > 0) announced.current = top
      return
    }
    const from = announced.current
    const timer = setTimeout(() => {
      const fresh = messages.filter((message) => message.seq > from && message.senderType === 'visitor')
      announced.current = top
      if (fresh.length > 0) setText(fresh.map((message) => t('thread.announce', { text: message.bodyText })).join(' '))
    }, COALESCE_MS)
    return () => clearTimeout(timer)
  }, [messages, t])
  return (
    <div aria-live="polite" className="sr-only">
      {text}
    </div>
  )
}

/** The buttons that the visitor may tap instead of typing: up to ten short texts that go with a reply. */

import { QUICK_REPLIES_MAX, QUICK_REPLY_TEXT_MAX } from '@kefu/protocol'
import { type KeyboardEvent, useState } from 'react'
import { Button as AriaButton } from 'react-aria-components/Button'
import { useT } from '../../i18n/i18n.tsx'
import { Icon } from '../parts/Icon.tsx'

export interface QuickReplyEditorProps {
  replies: readonly string[]
  onChange(replies: readonly string[]): void
}

export function QuickReplyEditor({ replies, onChange }: QuickReplyEditorProps) {
  const t = useT()
  const [text, setText] = useState('')
  const isFull = replies.length >= QUICK_REPLIES_MAX
  const add = () => {
    const reply = text.trim()
    if (!reply || isFull) return
    if (!replies.includes(reply)) onChange([...replies, reply])
    setText('')
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (event.key === 'Enter') {
      event.preventDefault()
      add()
    }
    if (event.key === 'Backspace' && text === '') onChange(replies.slice(0, -1))
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings looks and layout of its own
    <div role="group" aria-label={t('quickReplies.label')} className="flex flex-wrap items-center gap-1.5 px-4 pb-2">
      {replies.map((reply) => (
        <span
          key={reply}
          className="inline-flex max-w-full items-center gap-0.5 rounded-full bg-accent-soft ps-2.5 text-xs text-accent"
        >
          <span dir="auto" className="truncate">
            {reply}
          </span>
          <AriaButton
            aria-label={t('quickReplies.remove', { text: reply })}
            onPress={() => onChange(replies.filter((one) => one !== reply))}
            className="grid size-6 cursor-pointer place-items-center rounded-full hover:bg-hover"
          >
            <Icon name="close" size={11} />
          </AriaButton>
        </span>
      ))}
      {isFull ? (
        <span className="text-xs text-faint">{t('quickReplies.full', { count: QUICK_REPLIES_MAX })}</span>
      ) : (
        <input
          dir="auto"
          value={text}
          aria-label={t('quickReplies.add')}
          placeholder={t('quickReplies.placeholder')}
          onChange={(event) => setText([...event.target.value].slice(0, QUICK_REPLY_TEXT_MAX).join(''))}
          onKeyDown={onKeyDown}
          onBlur={add}
          className="h-7 min-w-40 flex-1 rounded-full bg-sunken px-3 text-xs outline-none inset-ring inset-ring-line focus:inset-ring-accent max-sm:h-10 max-sm:text-lg"
        />
      )}
    </div>
  )
}

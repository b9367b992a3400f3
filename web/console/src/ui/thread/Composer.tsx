/** Where the agent writes: a reply to the visitor, or a note that only agents see and that looks like nothing else. */

import { BODY_TEXT_MAX } from '@kefu/protocol'
import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from 'react'
import { ToggleButton } from 'react-aria-components/ToggleButton'
import { ToggleButtonGroup } from 'react-aria-components/ToggleButtonGroup'
import { useLocale, useT } from '../../i18n/i18n.tsx'
import { type Draft, EMPTY_DRAFT } from '../../state/drafts.ts'
import { useActions, useConsoleState } from '../console.tsx'
import { Button, IconButton } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { FOCUS_COMPOSER } from '../shortcuts.ts'
import { useRootEvent } from '../use-root-event.ts'
import { QuickReplyEditor } from './QuickReplyEditor.tsx'

/** The rest of the length is shown when less than this is left. */
const LENGTH_SHOWN_FROM = 300
const HEIGHT_MAX_PX = 192

export function Composer({ id }: { id: string }) {
  const t = useT()
  const actions = useActions()
  const hintId = useId()
  const draft = useConsoleState((state) => state.drafts.get(id) ?? EMPTY_DRAFT)
  const [areButtonsShown, showButtons] = useState(draft.quickReplies.length > 0)
  const box = useComposerBox(draft.text)
  const isNote = draft.mode === 'note'
  const left = BODY_TEXT_MAX - [...draft.text.trim()].length
  const canSend = draft.text.trim() !== '' && left >= 0

  const send = () => {
    if (!canSend) return
    actions.send(id)
    showButtons(false)
    box.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Escape') event.currentTarget.blur()
    // 229: browsers that end a composition before they say so.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return
    event.preventDefault()
    send()
  }

  return (
    <div className="shrink-0 px-3 pb-3 sm:px-4 sm:pb-4">
      <div
        className={`mx-auto max-w-3xl rounded-2xl inset-ring transition-colors ${isNote ? 'bg-note inset-ring-note-line focus-within:inset-ring-note-solid' : 'bg-surface inset-ring-line-strong focus-within:inset-ring-accent'}`}
      >
        <div className="flex items-center justify-between gap-2 px-2 pt-2">
          <ModeSwitch mode={draft.mode} onChange={(mode) => actions.draft(id, { mode })} />
          <Length left={left} />
        </div>
        <textarea
          ref={box}
          data-testid="composer"
          dir="auto"
          rows={2}
          value={draft.text}
          aria-label={t(isNote ? 'composer.note' : 'composer.reply')}
          aria-describedby={hintId}
          aria-invalid={left < 0}
          placeholder={t(isNote ? 'composer.note.placeholder' : 'composer.reply.placeholder')}
          onChange={(event) => {
            actions.draft(id, { text: event.target.value })
            if (!isNote && event.target.value) actions.typed(id)
          }}
          onKeyDown={onKeyDown}
          className={`kefu-scroll block w-full px-4 py-2 text-base outline-none max-sm:text-lg ${isNote ? 'placeholder:text-note-text' : ''}`}
        />
        {areButtonsShown && !isNote && (
          <QuickReplyEditor
            replies={draft.quickReplies}
            onChange={(quickReplies) => actions.draft(id, { quickReplies })}
          />
        )}
        <div className="flex items-center gap-2 px-2 pb-2">
          {!isNote && (
            <IconButton
              icon="buttons"
              label={t('quickReplies.edit')}
              placement="top"
              aria-expanded={areButtonsShown}
              onPress={() => showButtons(!areButtonsShown)}
              className={areButtonsShown ? 'bg-hover text-text' : ''}
            />
          )}
          <span
            id={hintId}
            className={`ms-auto min-w-0 truncate text-xs max-sm:hidden ${isNote ? 'text-note-text' : 'text-faint'}`}
          >
            {t(isNote ? 'composer.note.hint' : 'composer.hint')}
          </span>
          <span className="max-sm:ms-auto">
            <Button
              testId="send"
              weight={isNote ? 'note' : 'primary'}
              icon={isNote ? 'lock' : 'send'}
              isDisabled={!canSend}
              onPress={send}
              className="max-sm:h-11 max-sm:px-4"
            >
              {t(isNote ? 'composer.note.send' : 'composer.send')}
            </Button>
          </span>
        </div>
      </div>
    </div>
  )
}

function ModeSwitch({ mode, onChange }: { mode: Draft['mode']; onChange: (mode: Draft['mode']) => void }) {
  const t = useT()
  const look =
    'flex h-7 max-sm:h-10 cursor-pointer items-center gap-1.5 rounded-lg px-2.5 text-xs font-medium text-muted hover:text-text'
  return (
    <ToggleButtonGroup
      aria-label={t('composer.mode')}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[mode]}
      onSelectionChange={(keys) => onChange(keys.has('note') ? 'note' : 'reply')}
      className="flex gap-1"
    >
      <ToggleButton id="reply" className={`${look} selected:bg-accent-soft selected:text-accent`}>
        <Icon name="reply" size={14} />
        {t('composer.mode.reply')}
      </ToggleButton>
      <ToggleButton
        id="note"
        className={`${look} selected:bg-surface selected:text-note-text selected:inset-ring selected:inset-ring-note-line`}
      >
        <Icon name="lock" size={14} />
        {t('composer.mode.note')}
      </ToggleButton>
    </ToggleButtonGroup>
  )
}

function Length({ left }: { left: number }) {
  const t = useT()
  const locale = useLocale()
  if (left > LENGTH_SHOWN_FROM) return null
  const number = new Intl.NumberFormat(locale).format(left)
  return (
    <span
      role="status"
      className={`px-2 text-xs tabular-nums ${left < 0 ? 'font-semibold text-danger' : 'text-muted'}`}
    >
      {left < 0 ? t('composer.tooLong', { count: -left }) : number}
    </span>
  )
}

/** The text area: grows with its text, takes the focus when a key asks for it. */
function useComposerBox(text: string) {
  const box = useRef<HTMLTextAreaElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    element.style.height = 'auto'
    element.style.height = `${Math.min(HEIGHT_MAX_PX, element.scrollHeight)}px`
  }, [text])
  useRootEvent(FOCUS_COMPOSER, () => box.current?.focus())
  return box
}

// Who the visitor talks to, and whether the line is up.
import type { Author } from '@kefu/protocol'
import { BubbleIcon, CloseIcon } from './icons.tsx'
import type { Texts } from './texts.ts'

/** Health of the line, in the visitor's terms. */
export type Line = 'ready' | 'connecting' | 'waiting'

interface HeadProps {
  texts: Texts
  agent: Author | null
  line: Line
  close: () => void
}

export function Head({ texts: { t }, agent, line, close }: HeadProps) {
  return (
    <div class="head">
      <span class={`avatar ${line}`}>
        {agent?.avatarUrl ? (
          <img src={agent.avatarUrl} alt="" referrerpolicy="no-referrer" />
        ) : agent ? (
          <b aria-hidden="true">{[...agent.name][0]?.toUpperCase()}</b>
        ) : (
          <BubbleIcon />
        )}
      </span>
      <div class="who">
        <h2 id="title">{agent?.name || t('title')}</h2>
        <p role="status">{t(`state.${line}`)}</p>
      </div>
      <button type="button" class="close" aria-label={t('close')} onClick={close}>
        <CloseIcon />
      </button>
    </div>
  )
}

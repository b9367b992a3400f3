// The panel as one tree: head, transcript, composer. Draws what it is given; holds nothing but references.
import type { Visitor } from '@kefu/client'
import type { RefObject } from 'preact'
import { Composer, type ComposerProps } from './composer.tsx'
import { Head, type Line } from './head.tsx'
import { AlertIcon, BubbleIcon } from './icons.tsx'
import { Log } from './log.tsx'
import { quickReplies, rowsOf } from './rows.ts'
import type { Texts } from './texts.ts'

export interface WindowProps {
  visitor: Visitor
  texts: Texts
  line: Line
  /** The connection has been away long enough to say so. */
  isOffline: boolean
  newAfterSeq: number | null
  /** What screen readers were last told, inside the dialog. */
  said: string
  composer: Omit<ComposerProps, 'texts' | 'handle'>
  close: (returnFocus: boolean) => void
  edit: (clientId: string) => void
  refs: {
    dialog: RefObject<HTMLDialogElement | null>
    log: RefObject<Log | null>
    composer: RefObject<Composer | null>
  }
}

export function Window(props: WindowProps) {
  const { visitor, texts, refs, composer } = props
  const { t } = texts
  const { messages } = visitor.timeline
  const { items } = visitor.outbox
  const rows = rowsOf({ messages, items, agentReadSeq: visitor.agentReadSeq, newAfterSeq: props.newAfterSeq })
  return (
    <dialog
      class="panel"
      lang={texts.locale}
      aria-labelledby="title"
      tabIndex={-1}
      ref={refs.dialog}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.isComposing) return
        event.stopPropagation() // the page's own Escape is for the page
        props.close(true)
      }}
      onCancel={(event) => {
        event.preventDefault()
        props.close(true)
      }}
    >
      <Head texts={texts} agent={visitor.agent} line={props.line} close={() => props.close(true)} />
      {props.isOffline && (
        <p class="banner" role="status">
          <AlertIcon />
          {t('offline')}
        </p>
      )}
      <Log
        handle={refs.log}
        rows={rows}
        texts={texts}
        deeds={{
          retry: (clientId) => void visitor.outbox.retry(clientId),
          discard: (clientId) => void visitor.outbox.discard(clientId),
          edit: props.edit,
        }}
        hasOlder={visitor.timeline.hasOlder}
        loadOlder={() => visitor.loadOlder()}
        intro={!visitor.timeline.hasOlder && rows.length === 0 && <Welcome texts={texts} />}
      >
        {visitor.status === 'closed' && <p class="closed">{t('closed')}</p>}
        {visitor.typing && <Typing name={visitor.typing.name || visitor.agent?.name || t('agent')} texts={texts} />}
        <Replies replies={quickReplies(messages, items)} send={composer.send} texts={texts} />
      </Log>
      <Composer handle={refs.composer} texts={texts} {...composer} />
      <div class="said" aria-live="polite">
        {props.said}
      </div>
    </dialog>
  )
}

function Welcome({ texts: { t } }: { texts: Texts }) {
  return (
    <div class="welcome">
      <BubbleIcon />
      <h3>{t('welcome.title')}</h3>
      <p>{t('welcome.text')}</p>
    </div>
  )
}

function Typing({ name, texts: { t } }: { name: string; texts: Texts }) {
  return (
    <div class="typing">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span class="said">{t('typing', { name })}</span>
    </div>
  )
}

function Replies({ replies, send, texts }: { replies: string[]; send: (text: string) => unknown; texts: Texts }) {
  if (replies.length === 0) return null
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form fields, these are buttons
    <div class="replies" role="group" aria-label={texts.t('replies')}>
      {replies.map((reply) => (
        <button type="button" key={reply} dir="auto" onClick={() => void send(reply)}>
          {reply}
        </button>
      ))}
    </div>
  )
}

// One message as the visitor sees it. Content is text; a link is made only of what `links.ts` accepts.
import { piecesOf } from './links.ts'
import type { Bubble } from './rows.ts'
import type { TextKey, Texts } from './texts.ts'

export interface Deeds {
  retry: (clientId: string) => void
  edit: (clientId: string) => void
  discard: (clientId: string) => void
}

interface Props {
  bubble: Bubble
  texts: Texts
  deeds: Deeds
}

export function BubbleRow({ bubble, texts, deeds }: Props) {
  const { side, author, text, at, isFirst, isLast, isNamed, delivery } = bubble
  return (
    <div class={`row ${side}${isFirst ? ' first' : ''}${isLast ? ' last' : ''}${delivery ? ` ${delivery}` : ''}`}>
      {isNamed && <div class="name">{author?.name || texts.t('agent')}</div>}
      <div class="bubble" dir="auto" title={texts.time(at)}>
        {piecesOf(text).map((piece) =>
          typeof piece === 'string' ? (
            piece
          ) : (
            <a href={piece.href} target="_blank" rel="noopener nofollow noreferrer">
              {piece.text}
            </a>
          ),
        )}
      </div>
      {delivery === 'failed' ? (
        <Failure bubble={bubble} texts={texts} deeds={deeds} />
      ) : (
        (delivery || (isLast && side !== 'system')) && <Foot bubble={bubble} texts={texts} />
      )}
    </div>
  )
}

function Foot({ bubble: { at, delivery }, texts }: Omit<Props, 'deeds'>) {
  return (
    <div class="foot">
      <time dateTime={new Date(at).toISOString()}>{texts.time(at)}</time>
      {delivery && <span class="delivery">{texts.t(`status.${delivery}` as TextKey)}</span>}
    </div>
  )
}

function Failure({ bubble: { key, failure }, texts: { t }, deeds }: Props) {
  const reason = t(`failed.${failure}` as TextKey)
  return (
    <div class="foot failure">
      <span>{reason.startsWith('failed.') ? t('failed') : reason}</span>
      <span class="deeds">
        <button type="button" onClick={() => deeds.retry(key)}>
          {t('retry')}
        </button>
        <button type="button" onClick={() => deeds.edit(key)}>
          {t('edit')}
        </button>
        <button type="button" onClick={() => deeds.discard(key)}>
          {t('discard')}
        </button>
      </span>
    </div>
  )
}

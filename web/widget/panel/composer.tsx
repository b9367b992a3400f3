// The box where the visitor writes. Enter sends, Shift+Enter breaks, never while an input method composes; the draft
// outlives the page, and a text leaves the box only when it is safe.
import { BODY_TEXT_MAX } from '@kefu/protocol'
import { Component, createRef, type RefObject } from 'preact'
import { SendIcon } from './icons.tsx'
import type { Texts } from './texts.ts'

/** How near to the limit the count appears. */
const COUNT_SHOWN_BELOW = 200
const LINES_MAX = 6

export interface ComposerProps {
  /** Where the composer puts itself, for its owner to focus and fill it. */
  handle: RefObject<Composer | null>
  texts: Texts
  /** Resolves when the text is kept somewhere safe. */
  send: (text: string) => Promise<unknown>
  showTyping: (isTyping: boolean) => void
  draft: { get(): string; set(text: string): void }
}

interface ComposerState {
  /** Code points, as the server counts them. */
  length: number
}

export class Composer extends Component<ComposerProps, ComposerState> {
  override state: ComposerState = { length: 0 }
  readonly #box = createRef<HTMLTextAreaElement>()
  #isSending = false

  override componentDidMount(): void {
    this.props.handle.current = this
    this.write(this.props.draft.get())
  }

  focus(): void {
    this.#box.current?.focus()
  }

  /** Grows the box to its text; needed again whenever it becomes visible. */
  fit(): void {
    const box = this.#box.current
    if (!box) return
    box.style.blockSize = 'auto'
    const style = getComputedStyle(box)
    const padding = Number.parseFloat(style.paddingBlockStart) + Number.parseFloat(style.paddingBlockEnd)
    const max = Number.parseFloat(style.lineHeight) * LINES_MAX + padding
    box.style.blockSize = `${Math.min(box.scrollHeight, max)}px`
    box.style.overflowY = box.scrollHeight > max ? 'auto' : 'hidden'
  }

  /** Replaces the text in the box. */
  write(text: string): void {
    const box = this.#box.current
    if (!box) return
    box.value = text
    this.#changed()
  }

  override render({ texts: { t } }: ComposerProps, { length }: ComposerState) {
    const left = BODY_TEXT_MAX - length
    return (
      <form
        class="composer"
        onSubmit={(event) => {
          event.preventDefault()
          void this.#send()
        }}
      >
        <textarea
          ref={this.#box}
          rows={1}
          dir="auto"
          enterkeyhint="send"
          aria-label={t('input')}
          placeholder={t('placeholder')}
          onInput={() => {
            this.#changed()
            this.props.showTyping(this.#text() !== '')
          }}
          onBlur={() => this.props.showTyping(false)}
          onKeyDown={(event) => this.#keyDown(event)}
        />
        <button type="submit" class="send" aria-label={t('send')} disabled={length === 0 || left < 0}>
          <SendIcon />
        </button>
        {left < COUNT_SHOWN_BELOW && (
          <p class={left < 0 ? 'count over' : 'count'} role="status">
            {left < 0 ? t('over', { count: -left }) : t('left', { count: left })}
          </p>
        )}
      </form>
    )
  }

  #keyDown(event: KeyboardEvent): void {
    // 229 is what some browsers report for the Enter that ends a composition.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
    event.preventDefault()
    void this.#send()
  }

  #text(): string {
    return (this.#box.current?.value ?? '').replace(/\r\n?/g, '\n').trim()
  }

  #changed(): void {
    this.props.draft.set(this.#box.current?.value ?? '')
    this.setState({ length: [...this.#text()].length })
    this.fit()
  }

  async #send(): Promise<void> {
    const text = this.#text()
    if (this.#isSending || !text || [...text].length > BODY_TEXT_MAX) return
    this.#isSending = true
    try {
      await this.props.send(text)
      if (this.#text() === text) this.write('')
    } finally {
      this.#isSending = false
    }
  }
}

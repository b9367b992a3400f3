// The transcript and its scrolling: stays at the bottom only if it was there, loads older pages without a jump.
import { Component, type ComponentChildren, createRef, type RefObject } from 'preact'
import { BubbleRow, type Deeds } from './bubble.tsx'
import { DownIcon } from './icons.tsx'
import type { Row } from './rows.ts'
import type { Texts } from './texts.ts'

/** Nearer to the end than this counts as being there. */
const AT_END_PX = 56
/** Older messages are asked for before the top is reached. */
const NEAR_TOP_PX = 160

export interface LogProps {
  /** Where the log puts itself, for its owner to scroll it. */
  handle: RefObject<Log | null>
  rows: Row[]
  texts: Texts
  deeds: Deeds
  hasOlder: boolean
  /** Loads the page before; the log asks once at a time. */
  loadOlder: () => Promise<unknown>
  /** Stands before the first message: the welcome. */
  intro: ComponentChildren
  /** Stands after the last message: typing, quick replies. */
  children: ComponentChildren
}

interface LogState {
  isAtEnd: boolean
  /** Messages that came while the visitor was reading further up. */
  unseen: number
  isLoading: boolean
}

interface Before {
  isAtEnd: boolean
  /** Distance from what is seen first to the end: it stays the same while older rows are put above. */
  fromEnd: number
}

const keysOf = (rows: Row[]) => rows.filter(({ kind }) => kind === 'bubble').map(({ key }) => key)

export class Log extends Component<LogProps, LogState> {
  override state: LogState = { isAtEnd: true, unseen: 0, isLoading: false }
  readonly #box = createRef<HTMLDivElement>()
  readonly #sizes = 'ResizeObserver' in globalThis ? new ResizeObserver(() => this.#resized()) : null

  override componentDidMount(): void {
    const box = this.#box.current
    if (box) this.#sizes?.observe(box)
    this.props.handle.current = this
    this.toEnd()
  }

  override componentWillUnmount(): void {
    this.#sizes?.disconnect()
  }

  override getSnapshotBeforeUpdate(): Before {
    const box = this.#box.current as HTMLDivElement
    return { isAtEnd: this.state.isAtEnd, fromEnd: box.scrollHeight - box.scrollTop }
  }

  override componentDidUpdate({ rows }: LogProps, _: LogState, before: Before): void {
    const box = this.#box.current as HTMLDivElement
    const [old, now] = [keysOf(rows), keysOf(this.props.rows)]
    const hasGrownAtEnd = now.length > 0 && now.at(-1) !== old.at(-1)
    const last = this.props.rows.at(-1)
    const isOwn = hasGrownAtEnd && last?.kind === 'bubble' && last.side === 'own'
    if (isOwn || before.isAtEnd) this.toEnd()
    else if (now[0] !== old[0] && old.length > 0) box.scrollTop = box.scrollHeight - before.fromEnd
    else if (hasGrownAtEnd) this.setState({ unseen: this.state.unseen + now.length - old.length })
  }

  /** Scrolls to the newest message. */
  toEnd(isSmooth = false): void {
    const box = this.#box.current
    box?.scrollTo({ top: box.scrollHeight, behavior: isSmooth ? 'smooth' : 'auto' })
    if (!this.state.isAtEnd || this.state.unseen) this.setState({ isAtEnd: true, unseen: 0 })
  }

  override render({ rows, texts, deeds, intro, children }: LogProps, { isAtEnd, unseen, isLoading }: LogState) {
    const { t } = texts
    return (
      <div class="transcript">
        <div
          class="log"
          role="log"
          aria-live="off"
          aria-label={t('log')}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          tabIndex={0}
          ref={this.#box}
          onScroll={() => this.#scrolled()}
        >
          {intro}
          {rows.map((row) => {
            if (row.kind === 'bubble') return <BubbleRow key={row.key} bubble={row} texts={texts} deeds={deeds} />
            return row.kind === 'day' ? (
              <p key={row.key} class="day">
                {texts.day(row.at)}
              </p>
            ) : (
              <p key={row.key} class="new">
                <span>{t('new')}</span>
              </p>
            )
          })}
          {children}
        </div>
        {isLoading && <p class="older">{t('older')}</p>}
        {!isAtEnd && (
          <button type="button" class="latest" onClick={() => this.toEnd(true)}>
            <DownIcon />
            {unseen > 0 ? t('latest.new', { count: unseen }) : t('latest')}
          </button>
        )}
      </div>
    )
  }

  #scrolled(): void {
    const box = this.#box.current as HTMLDivElement
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX
    if (isAtEnd !== this.state.isAtEnd) this.setState({ isAtEnd, ...(isAtEnd && { unseen: 0 }) })
    if (box.scrollTop < NEAR_TOP_PX && this.props.hasOlder && !this.state.isLoading) void this.#loadOlder()
  }

  async #loadOlder(): Promise<void> {
    this.setState({ isLoading: true })
    await this.props.loadOlder().catch(() => {}) // the next scroll asks again
    this.setState({ isLoading: false })
  }

  /** The box became smaller or larger (a keyboard, a longer draft): who was at the end stays there. */
  #resized(): void {
    const box = this.#box.current
    if (box && this.state.isAtEnd) box.scrollTop = box.scrollHeight
  }
}

// Draws the launcher: one real button in a shadow root. Plain DOM, no markup strings, so it works under Trusted Types.
import css from './launcher.css?inline'
import type { LauncherTexts } from './texts.ts'

const SVG = 'http://www.w3.org/2000/svg'
const BUBBLE = 'M12 4c-5 0-8.5 3.2-8.5 7.2 0 2.2 1.1 4.1 3 5.4L6 20.5l4-2.2q1 .1 2 .1c5 0 8.5-3.2 8.5-7.2S17 4 12 4Z'
const CHEVRON = 'm6 9 6 6 6-6'

/** How long the notice that chat cannot be reached stays. */
export const NOTICE_SHOWN_MS = 6_000
const COUNT_SHOWN_MAX = 99

export class Launcher {
  readonly button = element('button', 'launcher')
  readonly shadow: ShadowRoot
  readonly #host = document.createElement('kefu-chat')
  readonly #badge = element('span', 'badge')
  readonly #notice = element('p', 'notice')
  readonly #label: string
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param label Text beside the icon; empty for the round button. */
  constructor(label: string) {
    this.#label = label
    this.shadow = this.#host.attachShadow({ mode: 'open' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
    this.shadow.adoptedStyleSheets = [sheet]
    this.#notice.role = 'status'
    this.button.append(icon('chat', BUBBLE), icon('chevron', CHEVRON), label, this.#badge)
    this.shadow.append(this.#notice, this.button)
  }

  /** Puts the launcher into the page. */
  attach(parent: Element): void {
    parent.append(this.#host)
  }

  remove(): void {
    clearTimeout(this.#timer)
    this.#host.remove()
  }

  /** Shows a state; the button's name says what it does and how much is unread. */
  show(isOpen: boolean, isBusy: boolean, unread: number, texts: LauncherTexts): void {
    const { button } = this
    const count = isOpen || !unread ? '' : unread > COUNT_SHOWN_MAX ? `${COUNT_SHOWN_MAX}+` : `${unread}`
    this.#badge.textContent = count
    button.ariaExpanded = `${isOpen}`
    button.ariaBusy = `${isBusy}`
    button.ariaLabel = isOpen ? texts.close : (this.#label || texts.open) + (count && `, ${count}${texts.unread}`)
  }

  /** Says something beside the button for a moment, to screen readers too. */
  notify(text: string): void {
    this.#notice.textContent = text
    clearTimeout(this.#timer)
    if (text) this.#timer = setTimeout(() => this.notify(''), NOTICE_SHOWN_MS)
  }
}

function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, className: string): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  made.className = className
  return made
}

function icon(name: string, path: string): SVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  const line = document.createElementNS(SVG, 'path')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('class', name)
  line.setAttribute('d', path)
  svg.append(line)
  return svg
}

// The widget as the host page sees it: opens, closes, loads the panel when it is first needed, tells what happens.
import { Emitter } from '@kefu/client/emitter'
import {
  type Catalogue,
  type ChatEvents,
  type Config,
  type Panel,
  type PanelModule,
  STORED,
  stored,
} from '../contract.ts'
import { Launcher } from './launcher.ts'
import { type Locale, launcherTexts, pageLocale } from './texts.ts'

/** Hashed names of the files built before the loader. */
declare const __PANEL_FILE__: string
declare const __LOCALE_FILES__: Record<Locale, string>

export class Chat extends Emitter<ChatEvents> {
  readonly #launcher: Launcher
  readonly #config: Config
  readonly #files: string
  #locale = pageLocale()
  #loading: Promise<Panel> | undefined
  #panel: Panel | undefined
  #failures = 0
  #isOpen = false
  #isGone = false
  #unread = 0

  constructor(config: Config, files: string) {
    super()
    this.#config = config
    this.#files = files
    this.#launcher = new Launcher(config.buttonText)
    const { button } = this.#launcher
    button.onclick = () => this.toggle()
    button.onpointerenter = button.onfocus = () => void this.#load().catch(() => {})
    this.on('unread', ({ count }) => {
      this.#unread = count
      this.#draw()
    })
    this.#draw()
  }

  /** Enters the page; connects if there is something to come back for: an open conversation or an unsent message. */
  attach(parent: Element): void {
    this.#launcher.attach(parent)
    if (!stored.get(STORED.active) || !stored.get(STORED.sessionId)) return
    const start = () =>
      void this.#load().then(
        (panel) => panel.start(),
        () => {},
      )
    ;(window.requestIdleCallback ?? setTimeout)(start)
  }

  isOpen(): boolean {
    return this.#isOpen
  }

  /** Opens the panel. Resolves when it is shown, or when it cannot be had: a notice says so, never an error. */
  async open(): Promise<void> {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#draw()
    try {
      const panel = await this.#load()
      if (!this.#isOpen) return // closed again while it was loading
      panel.open(true)
      this.emit('open', undefined)
    } catch {
      this.#isOpen = false
      if (!this.#isGone) this.#launcher.notify(launcherTexts(this.#locale).away)
    }
    this.#draw()
  }

  close(): void {
    if (!this.#isOpen) return
    this.#panel?.close()
    this.#closed(false)
  }

  toggle(): void | Promise<void> {
    return this.#isOpen ? this.close() : this.open()
  }

  show(): void {
    this.#launcher.button.hidden = false
  }

  hide(): void {
    this.close()
    this.#launcher.button.hidden = true
  }

  async setLocale(wanted: string): Promise<void> {
    this.#locale = pageLocale(wanted)
    this.#draw()
    if (this.#panel) this.#panel.setTexts(this.#locale, await this.#texts())
  }

  destroy(): void {
    this.#isGone = true
    this.#isOpen = false
    this.#panel?.destroy()
    this.#launcher.remove()
  }

  #closed(returnFocus: boolean): void {
    this.#isOpen = false
    this.#draw()
    if (returnFocus) this.#launcher.button.focus()
    this.emit('close', undefined)
  }

  #draw(): void {
    this.#launcher.show(this.#isOpen, this.#isOpen && !this.#panel, this.#unread, launcherTexts(this.#locale))
  }

  #load(): Promise<Panel> {
    this.#loading ??= this.#mount().catch((error) => {
      this.#loading = undefined // the next click tries again
      this.#failures++
      throw error
    })
    return this.#loading
  }

  async #mount(): Promise<Panel> {
    const [{ mount }, texts] = await Promise.all([this.#import<PanelModule>(__PANEL_FILE__), this.#texts()])
    const panel = mount({
      shadow: this.#launcher.shadow,
      config: this.#config,
      locale: this.#locale,
      texts,
      tell: (event, payload) => this.emit(event, payload),
      closed: (returnFocus) => this.#closed(returnFocus),
    })
    this.#panel = panel
    if (this.#isGone) panel.destroy()
    return panel
  }

  async #texts(): Promise<Catalogue> {
    return (await this.#import<{ default: Catalogue }>(__LOCALE_FILES__[this.#locale])).default
  }

  /** A browser may remember that a module failed; another query makes it a new one. */
  #import<Module>(file: string): Promise<Module> {
    return import(/* @vite-ignore */ this.#files + file + (this.#failures ? `?retry=${this.#failures}` : ''))
  }
}

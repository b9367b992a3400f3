// The panel's entry: joins the visitor's client, the tabs and the page's life to the tree that is drawn.
import { storeOpenedOnUse, Visitor } from '@kefu/client'
import { createRef, render } from 'preact'
import { type Panel, type PanelHost, STORED, stored } from '../contract.ts'
import { Announcer } from './announcer.ts'
import type { Composer } from './composer.tsx'
import type { Line } from './head.tsx'
import type { Log } from './log.tsx'
import css from './panel.css?inline'
import { joinTabs, type Tabs } from './tabs.ts'
import { type Texts, textsFor } from './texts.ts'
import { aboutPage, memory } from './visit.ts'
import { Window } from './window.tsx'

/** A short break heals unseen; a longer one is said. */
const OFFLINE_SHOWN_AFTER_MS = 2_500
const PHONE = '(max-width: 479px)'
const STORE = 'kefu-outbox'

/** Builds the panel: hidden, not connected, and nothing written, for the visitor may only have pointed at the launcher. */
export function mount(host: PanelHost): Panel {
  return new MountedPanel(host)
}

class MountedPanel implements Panel {
  readonly #host: PanelHost
  readonly #visitor: Visitor
  readonly #root = document.createElement('div')
  readonly #sheet = new CSSStyleSheet()
  readonly #gone = new AbortController()
  readonly #phone = matchMedia(PHONE)
  readonly #refs = { dialog: createRef<HTMLDialogElement>(), log: createRef<Log>(), composer: createRef<Composer>() }
  readonly #outside = document.createElement('div')
  readonly #announcer = new Announcer((text) => this.#announce(text))
  #texts: Texts
  #tabs: Tabs | undefined
  #isOpen = false
  #isDrawing = false
  #isOffline = false
  #offlineTimer: ReturnType<typeof setTimeout> | undefined
  #newAfterSeq: number | null = null
  #said = ''
  #unread = 0
  #isTyping = false

  constructor(host: PanelHost) {
    this.#host = host
    this.#texts = textsFor(host.locale, host.texts)
    this.#sheet.replaceSync(css)
    host.shadow.adoptedStyleSheets.push(this.#sheet)
    this.#outside.className = 'said'
    this.#outside.ariaLive = 'polite'
    host.shadow.append(this.#root, this.#outside)
    this.#visitor = new Visitor({
      base: host.config.base,
      memory,
      store: storeOpenedOnUse(STORE),
      isElected: () => this.#tabs?.isElected ?? false,
      about: () => aboutPage(host.config, this.#texts.locale),
    })
    this.#listen()
    this.#render()
  }

  start(): void {
    if (this.#tabs) return
    this.#tabs = joinTabs({
      name: STORE,
      onElected: () => this.#visitor.outbox.pump(),
      onAnnounced: () => void this.#visitor.follow(),
    })
    this.#visitor.start()
  }

  open(moveFocus: boolean): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#newAfterSeq = this.#visitor.unread > 0 ? this.#visitor.visitorReadSeq : null
    this.start()
    this.#tabs?.take()
    this.#render()
    this.#show()
    this.#refs.composer.current?.fit()
    this.#refs.log.current?.toEnd()
    if (moveFocus) this.#focus()
    this.#changed()
  }

  close(): void {
    this.#isOpen = false
    this.#visitor.showTyping(false)
    this.#refs.dialog.current?.close()
  }

  setTexts(locale: string, texts: PanelHost['texts']): void {
    this.#texts = textsFor(locale, texts)
    this.#draw()
  }

  destroy(): void {
    this.#gone.abort()
    clearTimeout(this.#offlineTimer)
    this.#announcer.stop()
    this.#visitor.stop()
    this.#tabs?.leave()
    render(null, this.#root)
    this.#root.remove()
    this.#outside.remove()
  }

  // --- what happens ------------------------------------------------------------------------------------

  #listen(): void {
    const visitor = this.#visitor
    const { tell } = this.#host
    visitor.on('change', () => this.#changed())
    visitor.outbox.on('change', ({ stored: isStored }) => isStored && this.#tabs?.announce())
    visitor.on('conversation', (conversationId) => tell('conversation:start', { conversationId }))
    visitor.on('sent', ({ clientId, id, seq }) => tell('message:sent', { clientId, id, seq }))
    visitor.on('failed', ({ clientId, failure = '' }) => tell('message:failed', { clientId, reason: failure }))
    visitor.on('error', ({ error, message }) => tell('error', { error, message }))
    visitor.on('received', ({ id, seq, bodyText: text, author }) => {
      const name = author?.name || this.#texts.t('agent')
      this.#announcer.add(this.#texts.t('said', { name, text }))
      tell('message:received', { id, seq, text, name })
    })
    visitor.link.onState((state) => {
      tell('state', { state })
      this.#lineChanged(state === 'online')
    })
    this.#listenToPage()
  }

  #listenToPage(): void {
    const { signal } = this.#gone
    window.addEventListener('online', () => this.#networkBack(), { signal })
    window.addEventListener('offline', () => this.#lineChanged(false, 0), { signal })
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState === 'visible') this.#visitor.link.wake()
        this.#changed()
      },
      { signal },
    )
    this.#phone.addEventListener('change', () => this.#isOpen && this.#show(), { signal })
    window.visualViewport?.addEventListener('resize', () => this.#fitKeyboard(), { signal })
  }

  /** A connection that outlived the network's absence tells nothing: it never left its state. */
  #networkBack(): void {
    const { link } = this.#visitor
    link.wake()
    this.#lineChanged(link.state === 'online')
    this.#draw()
  }

  #lineChanged(isOnline: boolean, afterMs = OFFLINE_SHOWN_AFTER_MS): void {
    if (isOnline) {
      clearTimeout(this.#offlineTimer)
      this.#offlineTimer = undefined
      this.#isOffline = false
    } else if (this.#visitor.linkState !== 'idle' && !this.#isOffline) {
      this.#offlineTimer ??= setTimeout(() => {
        this.#offlineTimer = undefined
        this.#isOffline = true
        this.#draw()
      }, afterMs)
    }
  }

  #changed(): void {
    const visitor = this.#visitor
    if (this.#isOpen && document.visibilityState === 'visible') visitor.read()
    if (visitor.unread !== this.#unread) {
      this.#unread = visitor.unread
      this.#host.tell('unread', { count: this.#unread })
    }
    if ((visitor.typing !== null) !== this.#isTyping) {
      this.#isTyping = visitor.typing !== null
      this.#host.tell('typing', { typing: this.#isTyping, name: visitor.typing?.name ?? '' })
    }
    this.#rememberActive()
    this.#draw()
  }

  /** Whether the next page should connect by itself. */
  #rememberActive(): void {
    const { hasHistory, status, timeline, outbox } = this.#visitor
    const isActive = outbox.items.length > 0 || (status === 'open' && timeline.top > 0)
    if (isActive) stored.set(STORED.active, '1')
    else if (hasHistory && stored.get(STORED.active)) stored.set(STORED.active, null)
  }

  async #send(text: string): Promise<void> {
    this.#tabs?.take()
    const { clientId } = await this.#visitor.send(text)
    this.#newAfterSeq = null
    this.#host.tell('message:queued', { clientId, text })
  }

  #edit(clientId: string): void {
    const item = this.#visitor.outbox.discard(clientId)
    if (!item) return
    this.#refs.composer.current?.write(item.payload.bodyText)
    this.#refs.composer.current?.focus()
  }

  // --- what is shown -----------------------------------------------------------------------------------

  #show(): void {
    const dialog = this.#refs.dialog.current
    if (!dialog) return
    dialog.close()
    if (this.#phone.matches) dialog.showModal()
    else dialog.show()
    this.#fitKeyboard()
  }

  /** On a touch screen focus in the box would raise the keyboard over the conversation. */
  #focus(): void {
    if (matchMedia('(hover: hover)').matches) this.#refs.composer.current?.focus()
    else this.#refs.dialog.current?.focus()
  }

  /** On a phone the panel takes what the keyboard leaves. */
  #fitKeyboard(): void {
    const { visualViewport } = window
    const height = this.#phone.matches && visualViewport ? `${visualViewport.height}px` : ''
    this.#refs.dialog.current?.style.setProperty('--seen-height', height || null)
  }

  #close(returnFocus: boolean): void {
    this.close()
    this.#host.closed(returnFocus)
  }

  /** Inside a modal dialog everything outside is silent, and a closed dialog is silent itself. */
  #announce(text: string): void {
    this.#outside.textContent = this.#isOpen ? '' : text
    this.#said = this.#isOpen ? text : ''
    this.#draw()
  }

  #line(): Line {
    const { linkState, isReady, hasHistory } = this.#visitor
    if (isReady) return 'ready'
    return linkState === 'waiting' || hasHistory ? 'waiting' : 'connecting'
  }

  /** Many changes in one turn are one drawing. */
  #draw(): void {
    if (this.#isDrawing) return
    this.#isDrawing = true
    queueMicrotask(() => {
      this.#isDrawing = false
      if (!this.#gone.signal.aborted) this.#render()
    })
  }

  #render(): void {
    const { shadow } = this.#host
    const hadFocus = this.#root.contains(shadow.activeElement)
    this.#renderWindow()
    // The button that was used may be gone (a quick reply, a retry): focus must not fall out of the panel with it.
    if (hadFocus && this.#isOpen && !shadow.activeElement) this.#focus()
  }

  #renderWindow(): void {
    render(
      <Window
        visitor={this.#visitor}
        texts={this.#texts}
        line={this.#line()}
        isOffline={this.#isOffline}
        newAfterSeq={this.#newAfterSeq}
        said={this.#said}
        composer={{
          send: (text) => this.#send(text),
          showTyping: (isTyping) => this.#visitor.showTyping(isTyping),
          draft: { get: () => stored.get(STORED.draft) ?? '', set: (text) => stored.set(STORED.draft, text || null) },
        }}
        close={(returnFocus) => this.#close(returnFocus)}
        edit={(clientId) => this.#edit(clientId)}
        refs={this.#refs}
      />,
      this.#root,
    )
  }
}

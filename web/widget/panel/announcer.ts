// Speaks new messages of the other side to screen readers: what comes within a moment is one announcement.

export const ANNOUNCE_WAIT_MS = 400

export class Announcer {
  readonly #say: (text: string) => void
  #waiting: string[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  add(sentence: string): void {
    this.#waiting.push(sentence)
    this.#timer ??= setTimeout(() => {
      this.#say(this.#waiting.join('\n'))
      this.#waiting = []
      this.#timer = undefined
    }, ANNOUNCE_WAIT_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

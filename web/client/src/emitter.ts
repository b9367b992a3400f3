// Listeners of typed events. Every attach returns its detach.

/** Undoes one attach; safe to call twice. */
export type Detach = () => void

/** Calls listeners in the order in which they came; one that throws stops none of the others. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>()

  on<Event extends keyof Events>(event: Event, listener: (payload: Events[Event]) => void): Detach {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return () => this.off(event, listener)
  }

  off<Event extends keyof Events>(event: Event, listener: (payload: Events[Event]) => void): void {
    this.#listeners.get(event)?.delete(listener)
  }

  emit<Event extends keyof Events>(event: Event, payload: Events[Event]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        ;(listener as (payload: Events[Event]) => void)(payload)
      } catch (error) {
        // Shown in the console as any uncaught error is, without ending the work of whoever emitted.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

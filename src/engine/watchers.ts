import type { StoredBody, Watcher } from "./engine.ts"

/** The watchers of an engine's events. */
export class Watchers {
  readonly #watchers = new Set<Watcher>()

  get isEmpty(): boolean {
    return this.#watchers.size === 0
  }

  /** Adds a watcher. Returns a function that removes it. */
  add(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  tell(event: StoredBody): void {
    for (const watcher of this.#watchers) watcher.onEvent(event)
  }

  tellOfGap(): void {
    for (const watcher of this.#watchers) watcher.onGap()
  }
}

import type { Event } from "../../handlers/handler-module.ts"
import { FollowUp } from "./follow-up.ts"

/** A publish that was refused, and whose error the handler has not caught. */
export interface Refusal {
  readonly error: unknown
}

/** Events that one call of a handler's function publishes. */
export class FollowUps {
  readonly #pending = new Set<Promise<Event>>()
  readonly #refused = new Set<FollowUp>()

  /** Returns the promise for the handler. */
  add(published: Promise<Event>): FollowUp {
    const followUp = new FollowUp(published, () => this.#refused.add(followUp))
    this.#pending.add(published)
    const forget = (): unknown => this.#pending.delete(published)
    published.then(forget, forget)
    return followUp
  }

  /** True while a publish has no answer. */
  get isPending(): boolean {
    return this.#pending.size > 0
  }

  /** Resolves once the publishes until now have an answer. */
  async answered(): Promise<void> {
    for (const published of [...this.#pending]) {
      try {
        await published
      } catch {
        // The refusal is known to `refused`.
      }
    }
  }

  /** Returns the first publish that was refused and whose error the handler has not caught; null if there is none. */
  get refusal(): Refusal | null {
    for (const { isCaught, error } of this.#refused) if (!isCaught) return { error }
    return null
  }

  /**
   * Resolves once the publishes until now are stored. The handler still runs and may await a pending publish only later,
   * so it is not known yet whether it catches the error.
   * @throws the error of a pending publish that is refused, caught or not, or of an earlier one that was not caught
   */
  async stored(): Promise<void> {
    const { refusal } = this
    if (refusal !== null) throw refusal.error
    for (const published of [...this.#pending]) await published
  }
}

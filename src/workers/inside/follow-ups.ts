import type { Event } from "../../handlers/handler-module.ts"
import { FollowUp } from "./follow-up.ts"

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
    await Promise.allSettled(this.#pending)
  }

  /** @throws the error of a refused publish that the handler has not caught */
  requireNoneRefused(): void {
    for (const followUp of this.#refused) if (!followUp.isCaught) throw followUp.error
  }

  /**
   * Resolves once the publishes until now are stored. The handler still runs and may await a pending publish only later,
   * so it is not known yet whether it catches the error.
   * @throws the error of a pending publish that is refused, caught or not, or of an earlier one that was not caught
   */
  async stored(): Promise<void> {
    this.requireNoneRefused()
    await Promise.all(this.#pending)
  }
}

import type { Event } from "./handler-module.ts"

/**
 * The promise that `ctx.publish` gives a handler. It knows whether the handler catches its error: a publish that is
 * refused and that nobody awaits fails the attempt.
 */
export class FollowUp extends Promise<Event> {
  /** What `then` returns is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Whether a rejection handler is attached; `await` and `Promise.all` attach one. */
  isCaught = false
  /** Why it was refused. */
  error: unknown = null

  constructor(published: Promise<Event>, onRefused: () => void) {
    super((resolve, reject) => {
      published.then(resolve, (error: unknown) => {
        this.error = error
        onRefused()
        reject(error)
      })
    })
    // A refusal that nobody awaits fails its own attempt, not the whole worker as an unhandled rejection does.
    super.then(undefined, () => {})
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise, and overrides the method of one.
  override then<Fulfilled = Event, Rejected = never>(
    onFulfilled?: ((event: Event) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    if (typeof onRejected === "function") this.isCaught = true
    return super.then(onFulfilled, onRejected)
  }
}

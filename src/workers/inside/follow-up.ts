import type { Event } from "../../handlers/handler-module.ts"
import { NativePromise } from "../../system/intrinsics.ts"

/**
 * The promise that `ctx.publish` returns. It knows whether the handler catches its error: if a publish is refused and
 * the handler does not, the attempt fails.
 */
export class FollowUp extends Promise<Event> {
  /** Makes `then` return an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return NativePromise
  }

  /** True once a rejection handler is attached. `await` and `Promise.all` attach one. */
  isCaught = false
  /** The reason of the refusal. */
  error: unknown = null

  constructor(published: Promise<Event>, onRefused: () => void) {
    super((resolve, reject) => {
      published.then(resolve, (error: unknown) => {
        this.error = error
        onRefused()
        reject(error)
      })
    })
    // Without this, a refusal that is not awaited is an unhandled rejection, which ends the worker.
    super.then(undefined, () => {})
  }

  // biome-ignore lint/suspicious/noThenProperty: a promise that overrides its own method.
  override then<Fulfilled = Event, Rejected = never>(
    onFulfilled?: ((event: Event) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    if (typeof onRejected === "function") this.isCaught = true
    return super.then(onFulfilled, onRejected)
  }
}

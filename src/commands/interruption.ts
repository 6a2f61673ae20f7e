import { EXIT_REFUSED } from "./exit-codes.ts"
import { CommandError } from "./service-client.ts"
import { endBySignal, onStopSignal } from "./stop-signals.ts"

/** Ends the work of a command at the first signal that asks for it, so that it can say what it has done. */
export class Interruption {
  readonly #controller = new AbortController()
  #error: CommandError | null = null

  constructor() {
    onStopSignal((signal) => {
      this.#error = new CommandError(`ended by ${signal}`, EXIT_REFUSED)
      endBySignal(signal)
      this.#controller.abort()
    })
  }

  /** Aborts at the signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The error with which the command ends; null before the signal. */
  get error(): CommandError | null {
    return this.#error
  }
}

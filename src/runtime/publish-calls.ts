import { summarizeError } from "../event/failure.ts"
import type { Event, EventDraft } from "./handler-module.ts"
import type { FromWorker, PublishFailure } from "./messages.ts"

/** The error that a handler gets for a follow-up event that was not stored. */
export class PublishFailedError extends Error {
  override readonly name = "PublishFailedError"
  readonly code: string
  readonly retryable: boolean

  constructor(failure: PublishFailure) {
    super(failure.message)
    this.code = failure.code
    this.retryable = failure.retryable
  }
}

interface Call {
  readonly resolve: (event: Event) => void
  readonly reject: (error: unknown) => void
}

/** @throws {PublishFailedError} for a draft that another attempt could not publish either */
function textOf(draft: EventDraft): string {
  try {
    return JSON.stringify(draft) ?? "null"
  } catch (error) {
    const message = `the event can't be written as JSON: ${summarizeError(error).message}`
    throw new PublishFailedError({
      name: "EventInvalidError",
      message,
      code: "validation-failed",
      retryable: false,
    })
  }
}

/** Publishes of this worker's handlers that wait for the main thread's answer. */
export class PublishCalls {
  readonly #tell: (message: FromWorker) => void
  readonly #waiting = new Map<number, Call>()
  #lastCall = 0

  constructor(tell: (message: FromWorker) => void) {
    this.#tell = tell
  }

  /** Resolves with the stored event. Rejects at once, before anything is sent, if the draft can't be written as JSON. */
  publish(job: number, draft: EventDraft): Promise<Event> {
    return new Promise((resolve, reject) => {
      const text = textOf(draft)
      const call = ++this.#lastCall
      this.#waiting.set(call, { resolve, reject })
      this.#tell({ kind: "publish", job, call, draft: text })
    })
  }

  resolve(call: number, event: string): void {
    this.#take(call)?.resolve(JSON.parse(event))
  }

  reject(call: number, failure: PublishFailure): void {
    this.#take(call)?.reject(new PublishFailedError(failure))
  }

  #take(call: number): Call | undefined {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    return waiting
  }
}

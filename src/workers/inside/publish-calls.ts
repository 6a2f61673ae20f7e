import { summarizeError } from "../../event/failure.ts"
import type { Event, EventDraft } from "../../handlers/handler-module.ts"
import { NativePromise, OwnMap, parseJson, toJson } from "../../system/intrinsics.ts"
import type { FromWorker, PublishFailure } from "../messages.ts"

/** The error that a handler gets for a follow-up event that was not stored. */
export class PublishFailedError extends Error {
  override readonly name = "PublishFailedError"
  readonly code: string
  readonly retryable: boolean

  /** @param place where the handler published the event: the answer arrives outside of its code */
  constructor(failure: PublishFailure, place: Place) {
    super(failure.message)
    this.code = failure.code
    this.retryable = failure.retryable
    // The first line is the error's name, and the second one the function that publishes.
    const [, , ...frames] = (place.stack ?? "").split("\n")
    this.stack = [`${this.name}: ${this.message}`, ...frames].join("\n")
  }
}

/** A place in the code of a handler: the caller of the function that made this error. */
export type Place = Error

interface Call {
  readonly place: Place
  readonly resolve: (event: Event) => void
  readonly reject: (error: unknown) => void
}

/** @throws {PublishFailedError} for a draft that another attempt could not publish either */
function textOf(draft: EventDraft, place: Place): string {
  try {
    return toJson(draft) ?? "null"
  } catch (error) {
    const message = `the event can't be written as JSON: ${summarizeError(error).message}`
    const failure = { name: "EventInvalidError", message, code: "validation-failed", retryable: false }
    throw new PublishFailedError(failure, place)
  }
}

/** Publishes of this worker's handlers that wait for the main thread's answer. */
export class PublishCalls {
  readonly #tell: (message: FromWorker) => void
  readonly #waiting = new OwnMap<number, Call>()
  #lastCall = 0

  constructor(tell: (message: FromWorker) => void) {
    this.#tell = tell
  }

  /** Resolves with the stored event. Rejects at once, before anything is sent, if the draft can't be written as JSON. */
  publish(job: number, draft: EventDraft, place: Place): Promise<Event> {
    return new NativePromise((resolve, reject) => {
      const text = textOf(draft, place)
      const call = ++this.#lastCall
      this.#waiting.set(call, { place, resolve, reject })
      this.#tell({ kind: "publish", job, call, draft: text })
    })
  }

  resolve(call: number, event: string): void {
    this.#take(call)?.resolve(parseJson(event))
  }

  reject(call: number, failure: PublishFailure): void {
    const waiting = this.#take(call)
    waiting?.reject(new PublishFailedError(failure, waiting.place))
  }

  #take(call: number): Call | undefined {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    return waiting
  }
}

import { summarizeError } from "../event/failure.ts"
import type {
  Event,
  EventDraft,
  Handler,
  HandlerContext,
  HandlerLog,
  LogLevel,
  Verdict,
} from "./handler-module.ts"
import { verdict } from "./handler-module.ts"
import type { FromWorker, HandlerOutcome, ToWorker } from "./messages.ts"
import type { PublishCalls } from "./publish-calls.ts"

type RunMessage = Extract<ToWorker, { kind: "run" }>

/** A verdict that a handler returned. The class is what tells it from any other value. */
class GivenVerdict implements Verdict {
  readonly [verdict] = true
  readonly outcome: HandlerOutcome

  constructor(outcome: HandlerOutcome) {
    this.outcome = outcome
  }
}

/** One call of a handler's function for one event, within a worker. */
export class Run {
  readonly #message: RunMessage
  readonly #publishCalls: PublishCalls
  readonly #tell: (message: FromWorker) => void
  readonly #abort = new AbortController()
  readonly #publishing = new Set<Promise<Event>>()

  constructor(message: RunMessage, publishCalls: PublishCalls, tell: (message: FromWorker) => void) {
    this.#message = message
    this.#publishCalls = publishCalls
    this.#tell = tell
  }

  /** Calls the function and tells how it ended; never rejects. */
  async call(handler: Handler): Promise<HandlerOutcome> {
    try {
      const event: Event = JSON.parse(this.#message.body)
      const result = await handler({ ...event, retry_count: this.#message.attempt - 1 }, this.#context())
      // What the handler published without waiting is stored before its event is acknowledged.
      await Promise.all(this.#publishing)
      return result instanceof GivenVerdict ? result.outcome : { kind: "done" }
    } catch (error) {
      return { kind: "failed", error: summarizeError(error), isPermanent: isPermanent(error) }
    }
  }

  /** Aborts the signal that the handler was given. */
  abort(reason: string): void {
    this.#abort.abort(new DOMException(reason, "AbortError"))
  }

  #context(): HandlerContext {
    const { attempt, lastError, queue } = this.#message
    return {
      attempt,
      lastError,
      queue,
      signal: this.#abort.signal,
      log: this.#log(),
      publish: (draft) => this.#publish(draft),
      retry: (options) => new GivenVerdict({ kind: "retry", delayMs: options?.delay ?? null }),
      deadLetter: (reason) => new GivenVerdict({ kind: "dead-letter", reason: String(reason) }),
    }
  }

  #publish(draft: EventDraft): Promise<Event> {
    const published = this.#publishCalls.publish(this.#message.job, draft)
    this.#publishing.add(published)
    const forget = (): unknown => this.#publishing.delete(published)
    published.then(forget, forget)
    return published
  }

  #log(): HandlerLog {
    const at = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
      this.#tell({
        kind: "log",
        job: this.#message.job,
        level,
        message: String(message),
        fields: toText(fields),
      })
    }
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
  }
}

/** An error says by `retryable: false` that another attempt would fail as well. */
function isPermanent(error: unknown): boolean {
  return typeof error === "object" && error !== null && "retryable" in error && error.retryable === false
}

/** A log line must not fail its handler: fields that are not JSON are told of as such. */
function toText(fields: Record<string, unknown> | undefined): string {
  try {
    return JSON.stringify(fields ?? {}) ?? "{}"
  } catch (error) {
    return JSON.stringify({ fields: `can't be shown: ${summarizeError(error).message}` })
  }
}

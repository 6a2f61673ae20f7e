import { summarizeError } from "../event/failure.ts"
import { fieldsText } from "./fields-text.ts"
import { FollowUp } from "./follow-up.ts"
import type { BaseContext, Event, EventDraft, HandlerLog, LogLevel } from "./handler-module.ts"
import type { FromWorker, HandlerOutcome } from "./messages.ts"
import type { Place, PublishCalls } from "./publish-calls.ts"
import type { WorkerLog } from "./worker-log.ts"

/** The parts of a worker that all its calls share. */
export interface WorkerParts {
  readonly publishCalls: PublishCalls
  readonly log: WorkerLog
  readonly tell: (message: FromWorker) => void
}

/** One call of a handler's function, for one event or several: its signal, log and publishes. */
export class RunScope {
  readonly #job: number
  readonly #queue: string
  readonly #worker: WorkerParts
  readonly #abort = new AbortController()
  readonly #publishing = new Set<Promise<Event>>()
  readonly #refused = new Set<FollowUp>()

  constructor({ job, queue }: { readonly job: number; readonly queue: string }, worker: WorkerParts) {
    this.#job = job
    this.#queue = queue
    this.#worker = worker
  }

  /** Aborts the handler's signal. */
  abort(reason: string): void {
    this.#abort.abort(new DOMException(reason, "AbortError"))
  }

  /** Makes the part of the context that every handler gets. */
  context(): BaseContext {
    const publish = (draft: EventDraft): Promise<Event> => {
      const place = { stack: "" }
      Error.captureStackTrace(place, publish)
      return this.#publish(draft, place)
    }
    return {
      queue: this.#queue,
      signal: this.#abort.signal,
      log: this.#log(),
      publish,
    }
  }

  /**
   * Resolves once every publish has an answer, awaited by the handler or not.
   * @throws the error of a refused publish, unless the handler caught it
   */
  async published(): Promise<void> {
    while (this.#publishing.size > 0) await Promise.allSettled(this.#publishing)
    this.#requireNoneRefused()
  }

  /**
   * Like `published`, for the publishes until now of a handler that still runs. It may await a pending publish only
   * later, so it is not known yet whether it catches the error.
   * @throws the error of a pending publish that is refused, caught or not
   */
  async publishedSoFar(): Promise<void> {
    this.#requireNoneRefused()
    await Promise.all(this.#publishing)
  }

  /** Writes a warning about the handler to the log. */
  warn(message: string): void {
    this.#worker.log.write(this.#job, "warn", message, "{}")
  }

  /** Settles one event of a batch before the others. */
  settleEvent(place: number, outcome: HandlerOutcome): void {
    this.#worker.tell({ kind: "event-settled", job: this.#job, place, outcome })
  }

  #requireNoneRefused(): void {
    for (const followUp of this.#refused) if (!followUp.isCaught) throw followUp.error
  }

  #publish(draft: EventDraft, place: Place): Promise<Event> {
    const published = this.#worker.publishCalls.publish(this.#job, draft, place)
    const followUp = new FollowUp(published, () => this.#refused.add(followUp))
    this.#publishing.add(published)
    const forget = (): unknown => this.#publishing.delete(published)
    published.then(forget, forget)
    return followUp
  }

  #log(): HandlerLog {
    const at = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
      this.#worker.log.write(this.#job, level, String(message), fieldsText(fields))
    }
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
  }
}

/** Makes the outcome of a call that threw. */
export function failed(error: unknown): HandlerOutcome {
  return { kind: "failed", error: summarizeError(error), isPermanent: isPermanent(error) }
}

/** Returns true for an error with `retryable: false`, which means that another attempt would fail as well. */
function isPermanent(error: unknown): boolean {
  return typeof error === "object" && error !== null && "retryable" in error && error.retryable === false
}

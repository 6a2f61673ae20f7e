import { summarizeError } from "../event/failure.ts"
import { FollowUp } from "./follow-up.ts"
import type { BaseContext, Event, EventDraft, HandlerLog, LogLevel } from "./handler-module.ts"
import type { FromWorker, HandlerOutcome } from "./messages.ts"
import type { PublishCalls } from "./publish-calls.ts"
import type { WorkerLog } from "./worker-log.ts"

/** What a worker's calls have in common. */
export interface WorkerParts {
  readonly publishCalls: PublishCalls
  readonly log: WorkerLog
  readonly tell: (message: FromWorker) => void
}

/** What a call of a handler's function has of its worker, for one event or several. */
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

  /** Aborts the signal that the handler was given. */
  abort(reason: string): void {
    this.#abort.abort(new DOMException(reason, "AbortError"))
  }

  /** What every handler gets. */
  context(): BaseContext {
    return {
      queue: this.#queue,
      signal: this.#abort.signal,
      log: this.#log(),
      publish: (draft) => this.#publish(draft),
    }
  }

  /**
   * Resolves once every publish has an answer, awaited by the handler or not.
   * @throws the error of a publish that was refused, unless the handler caught it
   */
  async published(): Promise<void> {
    while (this.#publishing.size > 0) await Promise.allSettled(this.#publishing)
    this.#requireNoneRefused()
  }

  /**
   * Like `published`, for what was published until now by a handler that still runs. The handler may await a pending
   * publish only later, so whether it catches the error is not known yet.
   * @throws the error of a pending publish that is refused, caught or not
   */
  async publishedSoFar(): Promise<void> {
    this.#requireNoneRefused()
    await Promise.all(this.#publishing)
  }

  /** Settles one event of a batch, before the others. */
  settleEvent(place: number, outcome: HandlerOutcome): void {
    this.#worker.tell({ kind: "event-settled", job: this.#job, place, outcome })
  }

  #requireNoneRefused(): void {
    for (const followUp of this.#refused) if (!followUp.isCaught) throw followUp.error
  }

  #publish(draft: EventDraft): Promise<Event> {
    const published = this.#worker.publishCalls.publish(this.#job, draft)
    const followUp = new FollowUp(published, () => this.#refused.add(followUp))
    this.#publishing.add(published)
    const forget = (): unknown => this.#publishing.delete(published)
    published.then(forget, forget)
    return followUp
  }

  #log(): HandlerLog {
    const at = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
      this.#worker.log.write(this.#job, level, String(message), toText(fields))
    }
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
  }
}

/** How a call ended that threw. */
export function failed(error: unknown): HandlerOutcome {
  return { kind: "failed", error: summarizeError(error), isPermanent: isPermanent(error) }
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

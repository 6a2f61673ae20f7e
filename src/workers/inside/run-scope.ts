import { LOOP_SUSPECTED, summarizeError } from "../../event/failure.ts"
import type { BaseContext, Event, EventDraft, HandlerLog } from "../../handlers/handler-module.ts"
import { assign, NativePromise } from "../../system/intrinsics.ts"
import { LATE_PUBLISH } from "../late-publish.ts"
import type { CallSummary, FromWorker, HandlerOutcome } from "../messages.ts"
import { fieldsText } from "./fields-text.ts"
import { FollowUps, type Refusal } from "./follow-ups.ts"
import { handlerLog } from "./handler-log.ts"
import type { PromiseWatch } from "./promise-watch.ts"
import { type Place, type PublishCalls, PublishFailedError } from "./publish-calls.ts"
import type { LineWriter, WorkerLog } from "./worker-log.ts"

/** The parts of a worker that all its calls share. */
export interface WorkerParts {
  readonly publishCalls: PublishCalls
  readonly log: WorkerLog
  readonly tell: (message: FromWorker) => void
  readonly promises: Pick<PromiseWatch, "look">
  /** Extends the timeout of the job in this slot of the board. */
  readonly beat: (slot: number) => void
}

/** The part of a context that not every handler gets. */
export type OwnPart<Context extends BaseContext> = Omit<Context, keyof BaseContext>

/**
 * One call of a handler's function, for one event or several: its signal, log and publishes. Few handlers use all of
 * them, so each is made when it is first used.
 */
export class RunScope implements LineWriter {
  readonly job: number
  readonly #slot: number
  readonly #call: Omit<CallSummary, "eventId">
  readonly #worker: WorkerParts
  #eventId: string | null = null
  #abort: AbortController | null = null
  #log: HandlerLog | null = null
  #followUps: FollowUps | null = null
  #isOver = false
  #hasWarnedOfHeartbeat = false

  /** @param place the job, and its place on the board */
  constructor(
    { job, slot }: { readonly job: number; readonly slot: number },
    call: Omit<CallSummary, "eventId">,
    worker: WorkerParts,
  ) {
    this.job = job
    this.#slot = slot
    this.#call = call
    this.#worker = worker
  }

  get summary(): CallSummary {
    return { ...this.#call, eventId: this.#eventId }
  }

  /** Call it with the event's id, if it is a call for one event. */
  isFor(eventId: string): void {
    this.#eventId = eventId
  }

  /** Aborts the handler's signal. */
  abort(reason: string): void {
    this.#aborter().abort(new DOMException(reason, "AbortError"))
  }

  /** Makes the handler's context, of the part that every handler gets and its own part. */
  context<Own extends object>(own: Own): BaseContext & Own {
    const scope = this
    const common: BaseContext = {
      queue: this.#call.queue,
      generation: this.#call.generation,
      get signal() {
        return scope.#aborter().signal
      },
      get log() {
        return scope.#logOf()
      },
      heartbeat: () => this.#heartbeat(),
      // Bun writes the stack of an error when it is first read, and that of captureStackTrace at once: 1 µs and 6 to 15.
      publish: (draft) => this.#publish(draft, new Error()),
    }
    return assign(common, own)
  }

  /**
   * Ends the scope once every publish has an answer, awaited by the handler or not. Never rejects.
   * @returns a publish that was refused, unless the handler caught its error
   */
  async published(): Promise<Refusal | null> {
    while (this.#followUps?.isPending) await this.#followUps.answered()
    this.end()
    return this.#followUps?.refusal ?? null
  }

  /**
   * Like `published`, for the publishes until now of a handler that still runs.
   * @throws the error of a pending publish that is refused, or of an earlier one that the handler has not caught
   */
  async publishedSoFar(): Promise<void> {
    await this.#followUps?.stored()
  }

  /** Refuses later publishes: the event is settled, so nothing would repeat one that fails. */
  end(): void {
    this.#isOver = true
    this.#worker.promises.look()
  }

  /** Writes a warning about the handler to the log. */
  warn(message: string, fields: object = {}): void {
    this.#worker.log.write(this, "warn", message, fieldsText(fields))
  }

  /**
   * Writes a warning if the function has ended: its events are settled.
   * @param call the call of the context that comes too late, such as `ctx.retry()`
   * @param fields fields of the line
   * @returns whether the call is too late
   */
  isTooLate(call: string, fields: object = {}): boolean {
    if (this.#isOver) this.warn(`${call} was called after the function had ended, and has no effect`, fields)
    return this.#isOver
  }

  /** Settles one event of a batch before the others. */
  settleEvent(place: number, outcome: HandlerOutcome): void {
    this.#worker.tell({ kind: "event-settled", job: this.job, place, outcome })
  }

  /** Costs no message. After the end of the function, its slot belongs to another job. */
  #heartbeat(): void {
    if (!this.#isOver) {
      this.#worker.beat(this.#slot)
      return
    }
    // A timer that was left behind may call it for ever.
    if (!this.#hasWarnedOfHeartbeat) this.isTooLate("ctx.heartbeat()")
    this.#hasWarnedOfHeartbeat = true
  }

  #aborter(): AbortController {
    this.#abort ??= new AbortController()
    return this.#abort
  }

  #publish(draft: EventDraft, place: Place): Promise<Event> {
    const published = this.#isOver
      ? NativePromise.reject(new PublishFailedError(LATE_PUBLISH, place))
      : this.#worker.publishCalls.publish(this.job, draft, place)
    published.catch((error: unknown) => this.#tellIfLate(error, draft))
    this.#followUps ??= new FollowUps()
    return this.#followUps.add(published)
  }

  /** Nobody may be left to see the error of a late publish. */
  #tellIfLate(error: unknown, draft: EventDraft): void {
    if (!(error instanceof PublishFailedError) || error.code !== LATE_PUBLISH.code) return
    const [, at] = error.stack?.split("\n") ?? []
    const fields = { type: draft?.type, name: draft?.name, at: at?.trim() }
    this.#worker.log.write(this, "error", error.message, fieldsText(fields))
  }

  #logOf(): HandlerLog {
    this.#log ??= handlerLog((level, message, fields) => this.#worker.log.write(this, level, message, fields))
    return this.#log
  }
}

/** Makes the outcome of a call that threw. */
export function failed(error: unknown): HandlerOutcome {
  const summary = summarizeError(error)
  if (isLoopRefusal(error)) return { kind: LOOP_SUSPECTED, error: summary }
  return { kind: "failed", error: summary, isPermanent: isPermanent(error) }
}

/** Returns true for the error of a publish that was refused because its events are probably in a loop. */
function isLoopRefusal(error: unknown): boolean {
  try {
    return error instanceof PublishFailedError && error.code === LOOP_SUSPECTED
  } catch {
    // A proxy whose own code throws is none of this service's errors.
    return false
  }
}

/** Returns true for an error with `retryable: false`, which means that another attempt would fail as well. */
function isPermanent(error: unknown): boolean {
  try {
    return typeof error === "object" && error !== null && "retryable" in error && error.retryable === false
  } catch {
    // The error's own getter threw: nothing says that another attempt would fail.
    return false
  }
}

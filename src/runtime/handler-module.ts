/**
 * The types of a handler module, for its author. A module is a TypeScript or JavaScript file in
 * `HANDLERS_DIR` that exports one of these by default:
 *
 * ```ts
 * import type { HandlerModule } from "event-broker"
 *
 * export default {
 *   queue: "voice_events",
 *   on: {
 *     async speech_recognized(event, ctx) {
 *       ctx.log.info("heard", { text: event.payload["text"] })
 *     },
 *   },
 * } satisfies HandlerModule
 * ```
 */
import type { Event, EventDraft } from "../event/envelope.ts"
import type { TraceContext } from "../event/trace-context.ts"

export type { Event, EventDraft, TraceContext }

export interface HandlerModule extends ModuleOptions {
  /** The functions by the event's name; `"*"` takes every name that has none of its own. */
  readonly on: Readonly<Record<string, Handler>>
}

/** A module whose functions take several events with one call. */
export interface BatchHandlerModule extends ModuleOptions {
  readonly batch: {
    /** How many events a call takes at the most: 1 to 1,000. */
    readonly size: number
    /** How long the first of them waits for others, in milliseconds. Default 100. */
    readonly wait?: number
  }
  /** The functions by the events' name; `"*"` takes every name that has none of its own. */
  readonly on: Readonly<Record<string, BatchHandler>>
}

export interface ModuleOptions {
  /** The queue whose events it takes: a predefined one, or a new one where `bind` is given. */
  readonly queue: string
  /** Topic patterns that bind the queue, such as `events.voice.#`. The queue is made where it is missing. */
  readonly bind?: readonly string[]
  /** How often an event is tried, and how long it waits in between. */
  readonly retry?: {
    /** Attempts in all, the first included. Default 5. */
    readonly attempts?: number
    readonly backoff?: {
      /** The wait before the second attempt, in milliseconds. Default 1,000. */
      readonly initial?: number
      /** What each further wait is multiplied by. Default 2. */
      readonly factor?: number
      /** The longest wait, in milliseconds. Default 60,000. */
      readonly max?: number
    }
  }
  /** How long one call may take, in milliseconds. Default 30,000. */
  readonly timeout?: number
  /**
   * Of all instances that share a RabbitMQ, only one consumes the queue at a time; another one goes on where it ends.
   * Default false. The embedded engine has one instance.
   */
  readonly single_active_consumer?: boolean
}

/** To return is success; to throw is a failed attempt. `ctx.retry` and `ctx.deadLetter` are returned. */
export type Handler = (event: Event, ctx: HandlerContext) => HandlerResult | Promise<HandlerResult>

/**
 * Settles each event by `ctx.ack`, `ctx.retry` or `ctx.deadLetter`; those that it leaves are done when it returns, and
 * have failed when it throws.
 */
export type BatchHandler = (events: readonly Event[], ctx: BatchContext) => void | Promise<void>

// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing has succeeded.
export type HandlerResult = void | undefined | Verdict

/** Marks a verdict, so that no object of a handler's own is taken for one. */
export const verdict: unique symbol = Symbol("verdict")

/** What `ctx.retry` and `ctx.deadLetter` give; it takes effect when the handler returns it. */
export interface Verdict {
  readonly [verdict]: true
}

/** The error of an attempt, as it is kept. */
export interface LastError {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

export interface BaseContext {
  readonly queue: string
  /** Aborted when the timeout is over, and when the service stops before the handler has finished. */
  readonly signal: AbortSignal
  /** Writes to the service's log, with the event's id. */
  readonly log: HandlerLog
  /**
   * Publishes a follow-up event and resolves once it is stored. The event that caused it is acknowledged only after
   * that, awaited or not. If the publish is refused and the handler does not catch the error, the attempt fails.
   */
  publish(draft: EventDraft): Promise<Event>
}

export interface HandlerContext extends BaseContext {
  /** 1 for the first delivery of the event on this queue. */
  readonly attempt: number
  /** The error of the attempt before, where there was one. */
  readonly lastError: LastError | null
  /** The trace that the event was published in, for requests to other services; `publish` goes on in it by itself. */
  readonly trace: TraceContext | null
  /** `return ctx.retry({ delay })`: try again after `delay` milliseconds, or after the backoff. */
  retry(options?: { readonly delay?: number }): Verdict
  /** `return ctx.deadLetter(reason)`: the event will never succeed. */
  deadLetter(reason: string): Verdict
}

/** Each of the settling calls takes the id of one of the events, and takes effect at once; the first counts. */
export interface BatchContext extends BaseContext {
  /** The error of the attempt before, where there was one. An event's attempt is its `retry_count` + 1. */
  lastError(id: string): LastError | null
  /** The trace that the event was published in. */
  trace(id: string): TraceContext | null
  /** The event is done. */
  ack(id: string): void
  /** The event is tried again after `delay` milliseconds, or after the backoff. */
  retry(id: string, options?: { readonly delay?: number }): void
  /** The event will never succeed. */
  deadLetter(id: string, reason: string): void
}

export type HandlerLog = Readonly<
  Record<LogLevel, (message: string, fields?: Record<string, unknown>) => void>
>

export type LogLevel = (typeof LOG_LEVELS)[number]

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const

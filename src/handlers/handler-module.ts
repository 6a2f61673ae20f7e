/**
 * Types for authors of handler modules. A module is a TypeScript or JavaScript file in `HANDLERS_DIR` that has one of
 * these as its default export:
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
import type { EventDraft as AnyDraft, Event as AnyEvent } from "../event/envelope.ts"
import type { EventType } from "../event/event-type.ts"
import type { TraceContext } from "../event/trace-context.ts"

export type { EventType, TraceContext }

/**
 * Payloads by event, as `"<type>/<name>"`, and by version, as `"<type>/<name>@<version>"`. Empty until `event-broker types`
 * fills it from the schemas in `SCHEMAS_DIR`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: the file that `event-broker types` writes adds its members.
export interface EventPayloads {}

/** The payload of an event: that of its schema's highest version, or any object if it has none. */
export type PayloadOf<
  Type extends EventType,
  Name extends string,
> = `${Type}/${Name}` extends keyof EventPayloads ? EventPayloads[`${Type}/${Name}`] : Record<string, unknown>

/** A stored event. Its payload is typed by its schema if type and name are given. */
export interface Event<Type extends EventType = EventType, Name extends string = string>
  extends Omit<AnyEvent, "type" | "name" | "payload"> {
  readonly type: Type
  readonly name: Name
  readonly payload: PayloadOf<Type, Name>
}

/** An event to publish, before defaults are filled in. Without type and name, its payload is any object. */
export interface EventDraft<Type extends EventType = EventType, Name extends string = string>
  extends Omit<AnyDraft, "type" | "name" | "payload"> {
  readonly type: Type
  readonly name: Name
  readonly payload: PayloadOf<Type, Name>
}

/** The types of the events that a queue gets: one for a predefined queue, which is named after it. */
type TypesOf<Queue extends string> = Queue extends `${infer Type extends EventType}_events` ? Type : EventType

/** The names that have a schema with one of these types. */
type NamesOf<Type extends EventType, Key = keyof EventPayloads> = Key extends `${Type}/${infer Name}`
  ? Name extends `${string}@${string}`
    ? never
    : Name
  : never

/** An event of this name and of one of these types: a union, in which `event.type` tells the payloads apart. */
type EventNamed<Type extends EventType, Name extends string> = Type extends EventType
  ? `${Type}/${Name}` extends keyof EventPayloads
    ? Event<Type, Name>
    : never
  : never

/**
 * A function of any event. Declared as a method, because methods may take a narrower event: one with the payload of its
 * schema.
 */
type AnyHandler = { call(event: Event, ctx: HandlerContext): ReturnType<Handler> }["call"]
type AnyBatchHandler = { call(events: readonly Event[], ctx: BatchContext): ReturnType<BatchHandler> }["call"]

/**
 * A module whose functions take one event with each call. The name of a function types its event, by all schemas of that
 * name. `HandlerModule<"voice_events">` leaves out the schemas of other types.
 */
export interface HandlerModule<Queue extends string = string> extends ModuleOptions<Queue> {
  /** Functions by event name. `"*"` takes every other name. */
  readonly on: {
    readonly [Name in NamesOf<TypesOf<Queue>>]?: Handler<EventNamed<TypesOf<Queue>, Name>>
  } & Readonly<Record<string, AnyHandler>>
}

/** A module whose functions take several events with one call. Their events are typed as with `HandlerModule`. */
export interface BatchHandlerModule<Queue extends string = string> extends ModuleOptions<Queue> {
  readonly batch: {
    /** Most events of one call: 1 to 1,000. */
    readonly size: number
    /** How long the first event of a batch waits for others, in milliseconds. Default 100. */
    readonly wait?: number
  }
  /** Functions by event name. `"*"` takes every other name. */
  readonly on: {
    readonly [Name in NamesOf<TypesOf<Queue>>]?: BatchHandler<EventNamed<TypesOf<Queue>, Name>>
  } & Readonly<Record<string, AnyBatchHandler>>
}

/** Options of every module. Times are in milliseconds, from 1 to a day (86,400,000); with others the service does not start. */
export interface ModuleOptions<Queue extends string = string> {
  /** The queue to consume: a predefined one, or a new one if `bind` is given. */
  readonly queue: Queue
  /** Topic patterns that bind the queue, such as `events.voice.#`. Creates the queue if it does not exist. */
  readonly bind?: readonly string[]
  /** Number of attempts, and the waits between them. */
  readonly retry?: {
    /** Attempts of an event, the first included, at least 1. Default 5. */
    readonly attempts?: number
    readonly backoff?: {
      /** Wait before the second attempt, in milliseconds, at most `max`. Default 1,000. */
      readonly initial?: number
      /** Multiplies each further wait, at least 1. Default 2. */
      readonly factor?: number
      /** Longest wait, in milliseconds. Default 60,000. */
      readonly max?: number
    }
  }
  /** Longest run of one call, in milliseconds, or longest time between two of its `ctx.heartbeat()`. Default 30,000. */
  readonly timeout?: number
  /**
   * Most calls of the module's functions at a time, of all workers of this instance, at least 1: what another service, or a
   * database, can take. Default: no limit.
   */
  readonly concurrency?: number
  /**
   * Runs once in each worker, after the modules are loaded and before its first event: opens what the functions share, such
   * as a database connection. If it throws, or takes longer than 15 seconds, the module can't be used.
   */
  setup?(): void | Promise<void>
  /**
   * Runs once in each worker that ends in order, at a reload or when the service stops, after its last call; for 5 seconds
   * at most. It does not run in a worker that crashes, hangs or is killed.
   */
  teardown?(): void | Promise<void>
  /**
   * Lets only one of the instances that share a RabbitMQ consume the queue at a time; another one takes over when it
   * ends. Default false. No effect on the embedded engine, which has one instance.
   */
  readonly single_active_consumer?: boolean
}

/** Handles one event. Return for success, throw for a failed attempt, or return `ctx.retry()` or `ctx.deadLetter()`. */
export type Handler<Taken extends Event = Event> = (
  event: Taken,
  ctx: HandlerContext,
) => HandlerResult | Promise<HandlerResult>

/**
 * Handles several events. `ctx.ack`, `ctx.retry` and `ctx.deadLetter` settle one of them; all others are handled when
 * the function returns, and have failed when it throws.
 */
export type BatchHandler<Taken extends Event = Event> = (
  events: readonly Taken[],
  ctx: BatchContext,
) => void | Promise<void>

// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing has succeeded.
export type HandlerResult = void | undefined | Verdict

/** Marks a verdict, so that no other object is taken for one. */
export const verdict: unique symbol = Symbol("verdict")

/** The result of `ctx.retry` or `ctx.deadLetter`. It takes effect when the handler returns it. */
export interface Verdict {
  readonly [verdict]: true
}

/** The error of an earlier attempt. */
export interface LastError {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

/** The part of a context that functions of both kinds get. */
export interface BaseContext {
  /** The queue that delivered the events. */
  readonly queue: string
  /** Names the handler modules that run: it changes when they are reloaded. */
  readonly generation: string
  /** Aborted when the timeout is over, or when the service stops before the handler has finished. */
  readonly signal: AbortSignal
  /** Writes lines to the service's log, with the event's id. */
  readonly log: HandlerLog
  /**
   * Extends the timeout: it counts again from this call. Call it as often as there is progress; it costs nearly nothing.
   * Has no effect once `signal` is aborted. On RabbitMQ, it extends up to 10 seconds before the end of `consumer_timeout`.
   */
  heartbeat(): void
  /**
   * Publishes a follow-up event and resolves once it is stored. The causing event is acknowledged only after that,
   * awaited or not. If the publish is refused and the handler does not catch the error, the attempt fails.
   * The payload is typed by the schema of the draft's type and name. An event whose id was published before is not stored
   * again: `duplicate` is then true.
   */
  publish<Type extends EventType, Name extends string>(
    draft: EventDraft<Type, Name>,
  ): Promise<Event & { readonly duplicate?: true }>
}

/** The context of a function that takes one event. */
export interface HandlerContext extends BaseContext {
  /** 1 for the first attempt of the event on this queue. */
  readonly attempt: number
  /** The error of the previous attempt, or null. */
  readonly lastError: LastError | null
  /**
   * The trace of the event, to send to other services; null if it has none. `publish` continues it without your help.
   */
  readonly trace: TraceContext | null
  /** The id of the event whose handler published this one; null if none did. */
  readonly causedBy: string | null
  /** The id of the replay that delivers this past event again; null for every other delivery. */
  readonly replay: string | null
  /** `return ctx.retry({ delay })` tries the event again after `delay` milliseconds, by default after the backoff. */
  retry(options?: { readonly delay?: number }): Verdict
  /** `return ctx.deadLetter(reason)` makes the event a dead letter now. */
  deadLetter(reason: string): Verdict
}

/**
 * The context of a function that takes several events. Its calls take the id of one of the events and take effect at once.
 * The first call for an id counts.
 */
export interface BatchContext extends BaseContext {
  /** Returns the error of the event's previous attempt, or null. An event's attempt is its `retry_count` + 1. */
  lastError(id: string): LastError | null
  /** Returns the trace of the event, or null. */
  trace(id: string): TraceContext | null
  /** Returns the id of the event whose handler published this one, or null. */
  causedBy(id: string): string | null
  /** Returns the id of the replay that delivers the event again, or null. */
  replay(id: string): string | null
  /** Settles the event as handled. */
  ack(id: string): void
  /** Tries the event again after `delay` milliseconds, by default after the backoff. */
  retry(id: string, options?: { readonly delay?: number }): void
  /** Makes the event a dead letter. */
  deadLetter(id: string, reason: string): void
}

export type HandlerLog = Readonly<Record<LogLevel, WriteLine>>

/** Writes a line: a message and its fields, or, as with pino, the fields or an error first. */
export interface WriteLine {
  (message: string, fields?: Record<string, unknown>): void
  (fields: object, message?: string): void
}

export type LogLevel = (typeof LOG_LEVELS)[number]

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const

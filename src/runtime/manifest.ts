import * as v from "valibot"
import type { Backoff } from "../event/backoff.ts"
import { MAX_SHORT_STRING_BYTES } from "../event/envelope.ts"

/** What a worker tells of a handler module that it has loaded; functions stay in the worker. */
export interface ModuleDescription {
  /** The file's name within `HANDLERS_DIR`. */
  readonly file: string
  /** The default export without its functions: those are named in `on` with their type. */
  readonly exported: unknown
}

/** A handler module as the main thread knows it. */
export interface ModuleManifest {
  readonly file: string
  readonly queue: string
  /** The patterns of a queue of the module's own; null for one that exists already. */
  readonly bindings: readonly string[] | null
  /** The names it has functions for; `*` among them takes every other. */
  readonly names: readonly string[]
  readonly attempts: number
  readonly backoff: Backoff
  readonly timeoutMs: number
  /** Null where each call takes one event. */
  readonly batch: BatchOptions | null
  readonly isSingleActiveConsumer: boolean
}

export interface BatchOptions {
  /** How many events a call takes at the most. */
  readonly size: number
  /** How long the first of them waits for others, in milliseconds. */
  readonly waitMs: number
}

/** A handler module that can't be used. The message names the file and says what is wrong with it. */
export class ModuleLoadError extends Error {
  override readonly name = "ModuleLoadError"
  readonly file: string

  constructor(file: string, reason: string) {
    super(`handler module ${file}: ${reason}`)
    this.file = file
  }
}

/** Longest wait between two attempts, and longest run of a handler, in milliseconds: one day. */
const MAX_DURATION_MS = 86_400_000

/** The most events of one call. */
const MAX_BATCH_SIZE = 1_000

const duration = (fallback: number) =>
  v.optional(
    v.pipe(
      v.number(),
      v.minValue(1),
      v.maxValue(MAX_DURATION_MS, `must be at most ${MAX_DURATION_MS} (a day)`),
    ),
    fallback,
  )

const queueName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_.-]+$/, "must be letters, digits, _, - and dots"),
  v.maxLength(MAX_SHORT_STRING_BYTES - "dead.".length),
)

/** By hand, because valibot's record leaves out keys such as `constructor`, which are good names of events. */
const functionNames = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(
    (on) => typeof on === "object" && on !== null,
    "must be an object of functions",
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const on = dataset.value
    for (const [key, value] of Object.entries(on)) {
      if (value === "function") continue
      addIssue({
        message: "must be a function",
        path: [{ type: "object", origin: "value", input: on, key, value }],
      })
    }
  }),
  v.transform(Object.keys),
  v.minLength(1, "must have a function for at least one event name"),
)

const ExportSchema = v.strictObject({
  queue: queueName,
  bind: v.optional(v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.minLength(1))),
  retry: v.optional(
    v.strictObject({
      attempts: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 5),
      backoff: v.optional(
        v.strictObject({
          initial: duration(1_000),
          factor: v.optional(v.pipe(v.number(), v.minValue(1)), 2),
          max: duration(60_000),
        }),
        {},
      ),
    }),
    {},
  ),
  timeout: duration(30_000),
  batch: v.optional(
    v.strictObject({
      size: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_BATCH_SIZE)),
      wait: duration(100),
    }),
  ),
  single_active_consumer: v.optional(v.boolean(), false),
  on: functionNames,
})

/**
 * Checks what was loaded, one module by one and then together.
 * @throws {ModuleLoadError} for the first module that can't be used.
 */
export function readManifests(descriptions: readonly ModuleDescription[]): readonly ModuleManifest[] {
  const manifests = descriptions.map(readManifest)
  refuseSecondClaims(manifests)
  return manifests
}

function readManifest({ file, exported }: ModuleDescription): ModuleManifest {
  const result = v.safeParse(ExportSchema, exported)
  if (!result.success) {
    const faults = result.issues.map(
      (issue) => `${v.getDotPath(issue) ?? "the default export"}: ${issue.message}`,
    )
    throw new ModuleLoadError(file, faults.join("; "))
  }
  const { queue, bind, retry, timeout, batch, on } = result.output
  return {
    file,
    queue,
    bindings: bind ?? null,
    names: on,
    attempts: retry.attempts,
    backoff: { initialMs: retry.backoff.initial, factor: retry.backoff.factor, maxMs: retry.backoff.max },
    timeoutMs: timeout,
    batch: batch === undefined ? null : { size: batch.size, waitMs: batch.wait },
    isSingleActiveConsumer: result.output.single_active_consumer,
  }
}

function refuseSecondClaims(manifests: readonly ModuleManifest[]): void {
  const claims = new Map<string, string>()
  for (const { file, queue, names } of manifests) {
    for (const name of names) {
      const claim = `${queue} ${name}`
      const first = claims.get(claim)
      if (first !== undefined) {
        throw new ModuleLoadError(file, `"${name}" on the queue ${queue} is taken by ${first} already`)
      }
      claims.set(claim, file)
    }
  }
}

/**
 * @param maxUnsettledMs how long the engine leaves a delivery to this service, in milliseconds; null for ever
 * @throws {ModuleLoadError} for a module whose functions may run for longer: their events would be delivered again.
 */
export function requireTimeoutsBelow(
  maxUnsettledMs: number | null,
  manifests: readonly ModuleManifest[],
): void {
  const tooLong = manifests.find(({ timeoutMs }) => maxUnsettledMs !== null && timeoutMs >= maxUnsettledMs)
  if (tooLong === undefined) return
  throw new ModuleLoadError(
    tooLong.file,
    `its timeout of ${tooLong.timeoutMs} ms must be below RabbitMQ's consumer_timeout of ${maxUnsettledMs} ms, after ` +
      "which RabbitMQ delivers the event again; shorten it, or raise consumer_timeout and RABBITMQ_CONSUMER_TIMEOUT",
  )
}

import * as v from "valibot"
import { QueueNameSchema } from "../engine/queue-name.ts"
import type { Backoff } from "../event/backoff.ts"
import { EventDraftSchema } from "../event/envelope.ts"
import { DEFAULT_ATTEMPTS, DEFAULT_BACKOFF, MAX_RETRY_DELAY_MS } from "../event/retry-bounds.ts"
import { ModuleLoadError } from "./module-load-error.ts"
import { explainIssue, type OptionNames } from "./option-faults.ts"
import type { LocateOption } from "./option-position.ts"
import { FUNCTION, isOptions } from "./value-kind.ts"

/** A loaded handler module as its worker describes it. Its functions stay in the worker. */
export interface ModuleDescription {
  /** The file's name within `HANDLERS_DIR`. */
  readonly file: string
  /** The default export as JSON, where `on` has the name of its kind in place of each function. */
  readonly exported: unknown
}

/** A handler module as the main thread knows it. */
export interface ModuleManifest {
  readonly file: string
  readonly queue: string
  /** Topic patterns that bind the queue; null if the module gives none. */
  readonly bindings: readonly string[] | null
  /** Names of its functions. `*` takes all other event names. */
  readonly names: readonly string[]
  readonly attempts: number
  readonly backoff: Backoff
  readonly timeoutMs: number
  /** Most calls at a time, of all workers of this instance; null if there is no limit. */
  readonly concurrency: number | null
  /** Null if each call takes one event. */
  readonly batch: BatchOptions | null
  readonly isSingleActiveConsumer: boolean
}

export interface BatchOptions {
  /** Most events of one call. */
  readonly size: number
  /** How long the first event of a batch waits for others, in milliseconds. */
  readonly waitMs: number
}

/** Longest run of a handler, and longest wait for a batch to fill, in milliseconds: one day. */
const MAX_DURATION_MS = 86_400_000

/** Most events of one call. */
const MAX_BATCH_SIZE = 1_000

const WHOLE = "must be a whole number"
const TEXT = "must be a string"

const atLeast = (least: number) => v.minValue<number, number, string>(least, `must be at least ${least}`)

const duration = (fallback: number, mostMs = MAX_DURATION_MS) =>
  v.optional(
    v.pipe(
      v.number("must be a number of milliseconds"),
      atLeast(1),
      v.maxValue(mostMs, `must be at most ${mostMs} (a day)`),
    ),
    fallback,
  )

/** Written by hand, because valibot's record skips keys such as `constructor`, which are valid event names. */
const functionNames = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isOptions, "must be an object of functions"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const on = dataset.value
    for (const [key, value] of Object.entries(on)) {
      const message = explainName(key) ?? (value === FUNCTION ? null : `must be a function, not ${value}`)
      if (message !== null)
        addIssue({ message, input: null, path: [{ type: "object", origin: "value", input: on, key, value }] })
    }
  }),
  v.transform(Object.keys),
  v.minLength(1, "must have a function for at least one event name"),
)

/** Explains why no event can have this name; returns null if one can. */
function explainName(key: string): string | null {
  const result = v.safeParse(EventDraftSchema.entries.name, key)
  if (key === "*" || result.success) return null
  return `can't be the name of an event: a name ${result.issues[0].message}`
}

/** Options in an object of their own. */
const group = <Options extends v.ObjectEntries>(options: Options, example: string) => {
  const schema = v.strictObject(options)
  return v.pipe(
    v.custom<v.InferInput<typeof schema>>(isOptions, `must be an object such as { ${example} }`),
    schema,
  )
}

const backoffOptions = {
  initial: duration(DEFAULT_BACKOFF.initialMs, MAX_RETRY_DELAY_MS),
  factor: v.optional(v.pipe(v.number("must be a number"), atLeast(1)), DEFAULT_BACKOFF.factor),
  max: duration(DEFAULT_BACKOFF.maxMs, MAX_RETRY_DELAY_MS),
}

/** The longest wait has a default, which would silently shorten a longer first one. */
const initialBelowMax = v.rawCheck<v.InferOutput<v.StrictObjectSchema<typeof backoffOptions, undefined>>>(
  ({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.initial <= dataset.value.max) return
    const { initial, max } = dataset.value
    addIssue({
      message: `must be at most \`retry.backoff.max\`, which is ${max}`,
      input: initial,
      path: [{ type: "object", origin: "value", input: dataset.value, key: "initial", value: initial }],
    })
  },
)

const retryOptions = {
  attempts: v.optional(v.pipe(v.number(WHOLE), v.integer(WHOLE), atLeast(1)), DEFAULT_ATTEMPTS),
  backoff: v.optional(v.pipe(group(backoffOptions, "initial: 1000"), initialBelowMax), {}),
}

const batchOptions = {
  size: v.pipe(
    v.number(WHOLE),
    v.integer(WHOLE),
    atLeast(1),
    v.maxValue(MAX_BATCH_SIZE, `must be at most ${MAX_BATCH_SIZE}`),
  ),
  wait: duration(100),
}

const aFunction = v.custom<typeof FUNCTION>((value) => value === FUNCTION, "must be a function")

const ExportSchema = v.strictObject({
  queue: QueueNameSchema,
  bind: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(TEXT), v.nonEmpty("must not be empty")), "must be an array of topic patterns"),
      v.minLength(1, "must have at least one topic pattern"),
    ),
  ),
  retry: v.optional(group(retryOptions, "attempts: 5"), {}),
  timeout: duration(30_000),
  concurrency: v.optional(v.pipe(v.number(WHOLE), v.integer(WHOLE), atLeast(1))),
  batch: v.optional(group(batchOptions, "size: 100")),
  single_active_consumer: v.optional(v.boolean("must be true or false"), false),
  setup: v.optional(aFunction),
  teardown: v.optional(aFunction),
  on: functionNames,
})

const OPTIONS: OptionNames = {
  "": Object.keys(ExportSchema.entries),
  retry: Object.keys(retryOptions),
  "retry.backoff": Object.keys(backoffOptions),
  batch: Object.keys(batchOptions),
}

const NOWHERE: LocateOption = () => null

/**
 * Checks the loaded modules: each one by itself, then all together.
 * @param locate finds options in the sources, for the message
 * @throws {ModuleLoadError} for the first module that can't be used
 */
export function readManifests(
  descriptions: readonly ModuleDescription[],
  locate = NOWHERE,
): readonly ModuleManifest[] {
  const manifests = descriptions.map((description) => readManifest(description, locate))
  refuseSecondClaims(manifests, locate)
  return manifests
}

function readManifest({ file, exported }: ModuleDescription, locate: LocateOption): ModuleManifest {
  const result = v.safeParse(ExportSchema, exported)
  if (!result.success) {
    const faults = result.issues.map((issue) => {
      const { message, keys } = explainIssue(issue, OPTIONS)
      return { message, at: locate(file, keys) }
    })
    throw new ModuleLoadError(file, faults)
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
    concurrency: result.output.concurrency ?? null,
    batch: batch === undefined ? null : { size: batch.size, waitMs: batch.wait },
    isSingleActiveConsumer: result.output.single_active_consumer,
  }
}

function refuseSecondClaims(manifests: readonly ModuleManifest[], locate: LocateOption): void {
  const claims = new Map<string, string>()
  for (const { file, queue, names } of manifests) {
    for (const name of names) {
      const claim = `${queue} ${name}`
      const first = claims.get(claim)
      if (first !== undefined) {
        const message = `the function \`${name}\` for the queue ${queue} is taken by ${first} already: keep one of them`
        throw new ModuleLoadError(file, [{ message, at: locate(file, ["on", name]) }])
      }
      claims.set(claim, file)
    }
  }
}

/**
 * Checks that no handler may run longer than the engine leaves a delivery unsettled: its event would be redelivered.
 * @param maxUnsettledMs how long the engine leaves a delivery unsettled, in milliseconds; null for no limit
 * @throws {ModuleLoadError} for the first module with a longer timeout
 */
export function requireTimeoutsBelow(
  maxUnsettledMs: number | null,
  manifests: readonly ModuleManifest[],
  locate = NOWHERE,
): void {
  const tooLong = manifests.find(({ timeoutMs }) => maxUnsettledMs !== null && timeoutMs >= maxUnsettledMs)
  if (tooLong === undefined) return
  const { file, timeoutMs } = tooLong
  const message =
    `its timeout of ${timeoutMs} ms must be below RabbitMQ's consumer_timeout of ${maxUnsettledMs} ms, after ` +
    "which RabbitMQ delivers the event again; shorten it, or raise consumer_timeout and RABBITMQ_CONSUMER_TIMEOUT"
  throw new ModuleLoadError(file, [{ message, at: locate(file, ["timeout"]) }])
}

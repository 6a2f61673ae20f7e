import { existsSync, readFileSync } from "node:fs"
import { parseEnv } from "node:util"
import * as v from "valibot"
import { LOG_LEVELS } from "./telemetry/logger.ts"

/** One variable: what it means, what it is where it is not set, and what it takes. */
export interface Variable {
  readonly name: keyof Config
  readonly default: string
  readonly meaning: string
}

const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, `takes a whole number from ${min} to ${max}`),
    v.transform(Number),
    v.minValue(min, `takes a whole number from ${min} to ${max}`),
    v.maxValue(max, `takes a whole number from ${min} to ${max}`),
  )

const oneOf = <const Options extends readonly string[]>(options: Options) =>
  v.picklist(options, `takes one of ${options.join(", ")}`)

const nonEmpty = v.pipe(v.string(), v.nonEmpty("takes a text that is not empty"))

const logLevels = Object.keys(LOG_LEVELS) as (keyof typeof LOG_LEVELS)[]

const KIBIBYTE = 1_024
const MEBIBYTE = 1_024 * KIBIBYTE

/** The table of every variable: its schema, its default, and its meaning. */
const VARIABLES = {
  ENGINE: [oneOf(["embedded"]), "embedded", "What stores and delivers events."],
  HOST: [nonEmpty, "0.0.0.0", "The address to listen on."],
  PORT: [wholeNumber(0, 65_535), "8000", "The port to listen on; 0 takes a free one."],
  LOG_LEVEL: [v.pipe(v.string(), v.toUpperCase(), oneOf(logLevels)), "INFO", "The least of what is logged."],
  DATA_DIR: [nonEmpty, "data", "The folder of the embedded engine's store; made where it is missing."],
  HANDLERS_DIR: [nonEmpty, "handlers", "The folder of the handler modules."],
  QUEUE_TTL: [
    wholeNumber(1_000, 365 * 86_400_000),
    "86400000",
    "How long an event waits in a queue before it becomes a dead letter, in milliseconds.",
  ],
  QUEUE_MAX_LENGTH: [wholeNumber(1, 100_000_000), "10000", "How many events wait in a queue at the most."],
  QUEUE_OVERFLOW: [
    oneOf(["reject-publish", "drop-head"]),
    "reject-publish",
    "What a full queue does: refuse the publish, or make its oldest event a dead letter.",
  ],
  WORKER_POOL_SIZE: [wholeNumber(1, 256), "5", "How many workers run handlers."],
  WORKER_PREFETCH_COUNT: [wholeNumber(1, 10_000), "10", "How many deliveries a worker holds at a time."],
  MAX_BODY_BYTES: [wholeNumber(KIBIBYTE, 256 * MEBIBYTE), String(MEBIBYTE), "The largest body of a publish."],
  MAX_BATCH_BYTES: [
    wholeNumber(KIBIBYTE, 256 * MEBIBYTE),
    String(16 * MEBIBYTE),
    "The largest body of a batch of publishes.",
  ],
  MAX_IN_FLIGHT: [
    wholeNumber(1, 1_000_000),
    "5000",
    "How many events wait for their confirm at a time; more are refused.",
  ],
  SHUTDOWN_TIMEOUT: [
    wholeNumber(0, 3_600_000),
    "10000",
    "How long a stop waits for requests and handlers to finish, in milliseconds.",
  ],
} as const satisfies Record<string, readonly [v.GenericSchema<string, unknown>, string, string]>

type Variables = typeof VARIABLES

/** The service's configuration: every variable under its own name, typed and checked. */
export type Config = { readonly [Name in keyof Variables]: v.InferOutput<Variables[Name][0]> }

/** A variable with a value that it does not take. */
export interface ConfigFault {
  readonly name: string
  readonly message: string
}

/** Every variable that was wrong, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ name, message }) => `${name} ${message}`).join("\n"))
    this.faults = faults
  }
}

/** Every variable with its default and meaning, for the help and the documentation. */
export function describeVariables(): readonly Variable[] {
  return names().map((name) => ({ name, default: VARIABLES[name][1], meaning: VARIABLES[name][2] }))
}

/**
 * Makes a configuration of an environment. A variable that is empty counts as not set.
 * @throws {ConfigError} with every variable that is wrong.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: ConfigFault[] = []
  const entries = names().map((name) => {
    const [schema, fallback] = VARIABLES[name]
    const value = environment[name] || fallback
    const result = v.safeParse(schema, value)
    if (result.success) return [name, result.output]
    faults.push({ name, message: `${result.issues[0].message}, not ${JSON.stringify(value)}` })
    return [name, undefined]
  })
  if (!environment["ENGINE"] && environment["RABBITMQ_HOST"]) {
    const message = "asks for the engine rabbitmq, which this version does not have: set ENGINE=embedded"
    faults.push({ name: "RABBITMQ_HOST", message })
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(Object.fromEntries(entries))
}

/**
 * The environment of the process, over what a `.env` file in the working folder says. Values are taken as
 * they are: nothing in them is expanded.
 */
export function readEnvironment(file = ".env"): Record<string, string | undefined> {
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {}
  return { ...fromFile, ...process.env }
}

const names = (): readonly (keyof Variables)[] => Object.keys(VARIABLES) as (keyof Variables)[]

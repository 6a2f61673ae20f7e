import { existsSync, readFileSync } from "node:fs"
import { parseEnv } from "node:util"
import * as v from "valibot"
import { ConfigError, type ConfigFault } from "./config/config-error.ts"
import {
  flag,
  hostNames,
  hosts,
  nonEmpty,
  oneOf,
  optionalHost,
  optionalHttpUrl,
  optionalRegistryUrl,
  origins,
  wholeNumber,
} from "./config/values.ts"
import { LOG_FORMATS } from "./telemetry/log-format.ts"
import { LOG_LEVELS } from "./telemetry/logger.ts"

export { ConfigError }

/** One variable: what it means, what it is where it is not set, and what it takes. */
export interface Variable {
  readonly name: keyof Config
  readonly default: string
  readonly meaning: string
}

const logLevels = Object.keys(LOG_LEVELS) as (keyof typeof LOG_LEVELS)[]

const KIBIBYTE = 1_024
const MEBIBYTE = 1_024 * KIBIBYTE

/** The longest idle timeout that Bun takes is 255 seconds, and it may act up to 4 seconds early. */
const MAX_KEEP_ALIVE_MS = 250_000

/**
 * An idle connection is closed even while a request on it waits. It must outlive the longest wait for a body and for a
 * confirm by the time that everything else of an answer may take, in milliseconds.
 */
const ANSWER_MARGIN_MS = 10_000

/** What stands for a secret, whatever its length. */
const MASK = "********"

/** A variable's schema, its default and its meaning; a secret is never shown, and can be given by a file. */
type Definition = readonly [
  schema: v.GenericSchema<string, unknown>,
  fallback: string,
  meaning: string,
  secret?: "secret",
]

/** Longest time of a timer, in milliseconds: 24 days. One that is set for longer ends at once. */
const MAX_TIMER_MS = 2_147_483_647

/** The table of every variable: its schema, its default, and its meaning. */
const VARIABLES = {
  ENGINE: [
    oneOf(["embedded", "rabbitmq"]),
    "embedded",
    "What stores and delivers events; where it is not set, rabbitmq if RABBITMQ_HOST is.",
  ],
  HOST: [nonEmpty, "0.0.0.0", "The address to listen on."],
  PORT: [wholeNumber(0, 65_535), "8000", "The port to listen on; 0 takes a free one."],
  LOG_LEVEL: [
    v.pipe(v.string(), v.toUpperCase(), oneOf(logLevels)),
    "INFO",
    "Lowest level that is logged: DEBUG, INFO, WARNING or ERROR.",
  ],
  LOG_FORMAT: [
    oneOf(LOG_FORMATS),
    "auto",
    "How the log is written: pretty is for people, json for programs, auto is pretty on a terminal and json elsewhere.",
  ],
  DATA_DIR: [nonEmpty, "data", "The folder of the embedded engine's store; made where it is missing."],
  RABBITMQ_HOST: [
    hosts,
    "rabbitmq",
    "The nodes of RabbitMQ, with commas between; one may have its own port, as host:port.",
  ],
  RABBITMQ_PORT: [wholeNumber(1, 65_535), "5672", "The port of those without one of their own."],
  RABBITMQ_USER: [nonEmpty, "guest", "The user of RabbitMQ."],
  RABBITMQ_PASSWORD: [
    nonEmpty,
    "guest",
    "Its password; it is never logged. RABBITMQ_PASSWORD_FILE names a file that has it.",
    "secret",
  ],
  RABBITMQ_VHOST: [nonEmpty, "/", "The virtual host."],
  RABBITMQ_TLS: [
    flag,
    "false",
    "Whether to speak TLS with RabbitMQ; its certificate has to be trusted by this machine.",
  ],
  DEFAULT_EXCHANGE: [nonEmpty, "events", "The exchange of RabbitMQ that events are published to."],
  DEFAULT_EXCHANGE_TYPE: [oneOf(["topic"]), "topic", "Its type."],
  QUEUE_TYPE: [
    oneOf(["quorum", "classic"]),
    "quorum",
    "The type of RabbitMQ's queues: quorum is replicated, classic orders by priority before RabbitMQ 4.",
  ],
  TOPOLOGY: [
    oneOf(["declare", "passive"]),
    "declare",
    "Whether to declare exchanges and queues on RabbitMQ, or to use what is there and declare nothing.",
  ],
  CONFIRM_TIMEOUT: [
    wholeNumber(100, 50_000),
    "10000",
    "How long a publish waits for RabbitMQ's confirm, in milliseconds.",
  ],
  RABBITMQ_CONSUMER_TIMEOUT: [
    wholeNumber(1_000, MAX_TIMER_MS),
    "1800000",
    "RabbitMQ's consumer_timeout, in milliseconds, as the broker has it; a module's timeout has to be shorter.",
  ],
  HANDLERS_DIR: [nonEmpty, "handlers", "The folder of the handler modules."],
  SCHEMAS_DIR: [v.string(), "", "The folder of the events' JSON Schemas; without it events have none."],
  SCHEMA_VALIDATION: [
    oneOf(["enforce", "warn", "off"]),
    "enforce",
    "What becomes of an event that breaks its schema: it is refused, or the log tells of it, or nothing is checked.",
  ],
  SCHEMA_UNKNOWN: [
    oneOf(["allow", "refuse"]),
    "allow",
    "What becomes of an event that has no schema, where there are any.",
  ],
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
  API_KEYS_FILE: [
    v.string(),
    "",
    "A file of keys, one JSON object a line; without it the service is open to all who reach it.",
  ],
  MAX_BODY_BYTES: [
    wholeNumber(KIBIBYTE, 256 * MEBIBYTE),
    String(MEBIBYTE),
    "The largest event in bytes, alone, in a batch or on a line. Parsing one stops all else, about 50 ms a MiB at worst.",
  ],
  MAX_BATCH_BYTES: [
    wholeNumber(KIBIBYTE, 256 * MEBIBYTE),
    String(16 * MEBIBYTE),
    "The largest body of a batch of publishes.",
  ],
  MAX_BUFFERED_BYTES: [
    wholeNumber(MEBIBYTE, 64 * 1_024 * MEBIBYTE),
    String(256 * MEBIBYTE),
    "The most bytes of bodies in flight, of all clients together. A client gets as much as it leaves free; more are refused.",
  ],
  BODY_TIMEOUT: [
    wholeNumber(100, 50_000),
    "30000",
    "How long a request's body, or a line of an upload, may take to arrive, in milliseconds.",
  ],
  KEEP_ALIVE_TIMEOUT: [
    wholeNumber(1_000, MAX_KEEP_ALIVE_MS),
    "75000",
    "How long a connection stays open while nothing moves on it, in milliseconds; longer than the idle timeout of a load balancer before the service.",
  ],
  RATE_LIMIT: [
    wholeNumber(0, 1_000_000),
    "0",
    "How many requests, and events of batches, each key may send a second; 0 for no limit.",
  ],
  CORS_ORIGINS: [
    origins,
    "",
    "The origins of the pages that may use the service, with commas between, or *; without it none may.",
  ],
  ALLOWED_HOSTS: [
    hostNames,
    "",
    "The host names that the service answers to, with commas between, or *; without it any, or any that no web page can have if there are no keys.",
  ],
  MAX_IN_FLIGHT: [
    wholeNumber(1, 1_000_000),
    "5000",
    "How many events wait for their confirm at a time; more are refused.",
  ],
  SERVICE_DISCOVERY_URL: [
    optionalRegistryUrl,
    "",
    "The registry to register this service with; a value without a scheme means http. Without it there is none.",
  ],
  SERVICE_HOST: [
    optionalHost,
    "",
    "The host that others reach this service by; without it HOST, or this machine's name where HOST is every address.",
  ],
  OTEL_EXPORTER_OTLP_ENDPOINT: [
    optionalHttpUrl,
    "",
    "Where OpenTelemetry's collector takes OTLP over HTTP, such as http://collector:4318; without it no spans are sent.",
  ],
  OTEL_SERVICE_NAME: [nonEmpty, "event-broker", "The name of this service in traces."],
  SHUTDOWN_DELAY: [
    wholeNumber(0, 300_000),
    "0",
    "How long a stop goes on taking requests, in milliseconds, while /health/ready tells load balancers to send none.",
  ],
  SHUTDOWN_TIMEOUT: [
    wholeNumber(0, 3_600_000),
    "10000",
    "How long a stop waits for requests and handlers to finish, in milliseconds.",
  ],
} as const satisfies Record<string, Definition>

type Variables = typeof VARIABLES

/** The service's configuration: every variable under its own name, typed and checked. */
export type Config = { readonly [Name in keyof Variables]: v.InferOutput<Variables[Name][0]> }

/** Every variable with its default and meaning, for the help and the documentation. */
export function describeVariables(): readonly Variable[] {
  return names().map((name) => ({ name, default: VARIABLES[name][1], meaning: VARIABLES[name][2] }))
}

/**
 * Makes a configuration of an environment. A variable that is empty counts as not set.
 * @throws {ConfigError} with every variable that is wrong.
 */
export function parseConfig(environment: Environment): Config {
  const faults: ConfigFault[] = []
  const entries = names().map((name) => {
    const [schema] = VARIABLES[name]
    const { value, fault } = settingOf(name, environment)
    const result = v.safeParse(schema, value)
    if (fault !== undefined) faults.push({ name: `${name}_FILE`, message: fault })
    else if (result.success) return [name, result.output]
    else faults.push({ name, message: `${result.issues[0].message}, not ${shown(name, value)}` })
    return [name, undefined]
  })
  if (faults.length > 0) throw new ConfigError(faults)
  const config: Config = Object.freeze(Object.fromEntries(entries))
  if (config.MAX_BUFFERED_BYTES < config.MAX_BATCH_BYTES) {
    const message = `takes at least MAX_BATCH_BYTES, which is ${config.MAX_BATCH_BYTES}`
    throw new ConfigError([{ name: "MAX_BUFFERED_BYTES", message }])
  }
  const longestWaitMs = Math.max(config.BODY_TIMEOUT, config.CONFIRM_TIMEOUT)
  if (config.KEEP_ALIVE_TIMEOUT < longestWaitMs + ANSWER_MARGIN_MS) {
    const message = `takes at least ${longestWaitMs + ANSWER_MARGIN_MS}, ${ANSWER_MARGIN_MS} more than BODY_TIMEOUT and CONFIRM_TIMEOUT`
    throw new ConfigError([{ name: "KEEP_ALIVE_TIMEOUT", message }])
  }
  return config
}

type Environment = Readonly<Record<string, string | undefined>>

/** What a variable is set to, as text, and by what. */
interface Given {
  readonly value: string
  /** `variable`, `default`, or the path of a secret's file. */
  readonly by: string
  readonly fault?: string
}

function settingOf(name: keyof Variables, environment: Environment): Given {
  const value = environment[name]
  const file = isSecret(name) ? environment[`${name}_FILE`] : undefined
  if (file) {
    if (value) return { value, by: file, fault: `is given, and so is ${name}: unset one of them` }
    try {
      return { value: readFileSync(file, "utf8").replace(/\r?\n$/, ""), by: file }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return { value: "", by: file, fault: `takes the path of a file that can be read: ${reason}` }
    }
  }
  if (value) return { value, by: "variable" }
  return { value: name === "ENGINE" ? defaultEngine(environment) : VARIABLES[name][1], by: "default" }
}

const shown = (name: keyof Variables, value: string): string =>
  isSecret(name) ? "what it is" : JSON.stringify(withoutUserInfo(value))

/** A URL may have a password, whether its variable is to have one or not. */
const withoutUserInfo = (value: string): string => value.replace(/\/\/[^/@]*@/, `//${MASK}@`)

const isSecret = (name: keyof Variables): boolean => (VARIABLES[name] as Definition)[3] === "secret"

/** Whether what a variable is set to must not be shown. */
export const isSecretVariable = (name: string): boolean =>
  names().some((each) => each === name && isSecret(each))

/** A variable as it is in force. */
export interface Setting {
  readonly name: string
  /** As text; of a secret, stars. */
  readonly value: string
  /** The environment, the .env file, a secret's file, or the default. */
  readonly source: string
}

/** Every variable as it is in force, and where its value comes from. Nothing is checked. */
export function describeSettings(file = ".env"): readonly Setting[] {
  const environment = readEnvironment(file)
  return names().map((name) => {
    const { value, by } = settingOf(name, environment)
    const source = process.env[name] ? "environment" : by === "variable" ? file : by
    return { name, value: isSecret(name) && by !== "default" ? MASK : withoutUserInfo(value), source }
  })
}

/** Who says where RabbitMQ is wants to use it. */
const defaultEngine = (environment: Environment): "rabbitmq" | "embedded" =>
  environment["RABBITMQ_HOST"] ? "rabbitmq" : "embedded"

/** Why the engine is the one it is, in words. */
export function explainEngine(environment: Environment): string {
  if (environment["ENGINE"]) return "ENGINE says so"
  return environment["RABBITMQ_HOST"] ? "RABBITMQ_HOST is set" : "ENGINE and RABBITMQ_HOST are not set"
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

import * as v from "valibot"
import { ConfigError, type ConfigFault } from "./config/config-error.ts"
import { readEnvFile } from "./config/env-file.ts"
import { isForOtherEngine } from "./config/groups.ts"
import { hasSecretName, MASK, maskSecrets } from "./config/mask.ts"
import { pathFaults } from "./config/path-faults.ts"
import { isPathForSure, isProbablySecret, readSecretFile } from "./config/secret-file.ts"
import { readableAmount } from "./config/units.ts"
import {
  type Config,
  type Definition,
  isSecretVariable,
  VARIABLES,
  type VariableName,
  variableNames,
} from "./config/variables.ts"

export { type Config, ConfigError, isSecretVariable }

/** One variable, in words. */
export interface Variable {
  readonly name: VariableName
  /** As it is set; empty if there is none. */
  readonly default: string
  /** The default, with a larger unit beside it if there is one: `86400000 (24 hours)`. */
  readonly readableDefault: string
  /** All allowed values. */
  readonly takes: string
  readonly meaning: string
}

/**
 * An idle connection is closed even while a request on it waits. It must outlive the longest wait for a body and for a
 * confirm by the time that everything else of an answer may take, in milliseconds.
 */
const ANSWER_MARGIN_MS = 10_000

/** Describes every variable, for the help and the docs. */
export function describeVariables(): readonly Variable[] {
  return variableNames().map((name) => {
    const [{ takes, unit }, fallback, meaning]: Definition = VARIABLES[name]
    const readableDefault = unit === null ? fallback : readableAmount(Number(fallback), unit)
    return { name, default: fallback, readableDefault, takes, meaning }
  })
}

/** Variables of the commands that ask a service. */
const COMMAND_VARIABLES = ["EVENT_BROKER_URL", "EVENT_BROKER_KEY"]

/** The names of all variables that the executable reads, those that name the file of a secret too. */
export const knownVariables = (): readonly string[] => [
  ...variableNames(),
  ...variableNames()
    .filter(isSecretVariable)
    .map((name) => `${name}_FILE`),
  ...COMMAND_VARIABLES,
]

/**
 * Parses the environment into a configuration. An empty variable counts as not set.
 * @param checksPaths also checks that what the service reads at its start is there. Default: false
 * @throws {ConfigError} that lists every wrong variable
 */
export function parseConfig(environment: Environment, { checksPaths = false } = {}): Config {
  const faults: ConfigFault[] = []
  const entries = variableNames().map((name) => {
    const [{ schema, meant }]: Definition = VARIABLES[name]
    const { value, fault } = settingOf(name, environment)
    const result = v.safeParse(schema, value)
    if (fault !== undefined) faults.push({ name: `${name}_FILE`, message: fault })
    else if (result.success) return [name, result.output]
    else faults.push({ name, message: `${result.issues[0].message}${shown(name, value, meant)}` })
    return [name, undefined]
  })
  const config: Config = Object.freeze(Object.fromEntries(entries))
  if (checksPaths) faults.push(...pathFaults(config, (name) => isSet(name, environment)))
  if (faults.length > 0) throw new ConfigError(faults)
  if (config.MAX_BUFFERED_BYTES < config.MAX_BATCH_BYTES) {
    const message = `is ${config.MAX_BUFFERED_BYTES}: set it to at least MAX_BATCH_BYTES (${config.MAX_BATCH_BYTES})`
    throw new ConfigError([{ name: "MAX_BUFFERED_BYTES", message }])
  }
  if (config.MAX_BATCH_BYTES < config.MAX_BODY_BYTES) {
    const message = `is ${config.MAX_BATCH_BYTES}: set it to at least MAX_BODY_BYTES (${config.MAX_BODY_BYTES})`
    throw new ConfigError([{ name: "MAX_BATCH_BYTES", message }])
  }
  const longestWaitMs = Math.max(config.BODY_TIMEOUT, config.CONFIRM_TIMEOUT)
  if (config.KEEP_ALIVE_TIMEOUT < longestWaitMs + ANSWER_MARGIN_MS) {
    const message = `is ${config.KEEP_ALIVE_TIMEOUT}: set it to at least ${longestWaitMs + ANSWER_MARGIN_MS}, ${ANSWER_MARGIN_MS} more than BODY_TIMEOUT and CONFIRM_TIMEOUT`
    throw new ConfigError([{ name: "KEEP_ALIVE_TIMEOUT", message }])
  }
  return config
}

export type Environment = Readonly<Record<string, string | undefined>>

/** The value of a variable as text, and its source. */
interface Given {
  readonly value: string
  /** `variable`, `default`, `RABBITMQ_HOST` for the engine that it selects, or the path or the variable of a secret's file. */
  readonly by: string
  readonly fault?: string
}

/**
 * Kubernetes sets `RABBITMQ_PORT=tcp://10.0.0.11:5672` in every pod beside a service that is named rabbitmq.
 * Source: kubernetes.io/docs/concepts/services-networking/service, "Environment variables".
 */
const SERVICE_LINK = /^(tcp|udp|sctp):\/\//

/** Returns true if a variable is set, and by somebody who means this service. */
export const isSet = (name: string, environment: Environment): boolean =>
  Boolean(environment[name]) && !(name === "RABBITMQ_PORT" && SERVICE_LINK.test(environment[name] ?? ""))

function settingOf(name: VariableName, environment: Environment): Given {
  const value = isSet(name, environment) ? environment[name] : undefined
  const file = isSecretVariable(name) ? environment[`${name}_FILE`] : undefined
  if (file) {
    if (value) return { value, by: "variable", fault: `is set, and so is ${name}: unset one of them` }
    const read = readSecretFile(file)
    const by = isPathForSure(file) ? file : `${name}_FILE`
    return "fault" in read ? { value: "", by, fault: read.fault } : { value: read.secret, by }
  }
  if (value) return { value, by: "variable" }
  if (name === "ENGINE" && environment["RABBITMQ_HOST"]) return { value: "rabbitmq", by: "RABBITMQ_HOST" }
  return { value: VARIABLES[name][1], by: "default" }
}

/** Adds the value to a message about it, and the one that was probably meant, unless it is a secret. */
function shown(name: VariableName, value: string, meant: (text: string) => string | null): string {
  if (isSecretVariable(name) || hasSecretName(name)) return ""
  const nearest = meant(value)
  const advice = nearest === null ? "" : `; did you mean ${nearest}?`
  return `, not ${JSON.stringify(maskSecrets(value))}${advice}`
}

/** A variable with its effective value. */
export interface Setting {
  readonly name: string
  /** As text; stars for a secret. */
  readonly value: string
  /**
   * `environment`, the path of the `.env` file or of the file of a secret, `default`, or `RABBITMQ_HOST` for the engine that
   * it selects. The variable of a secret's file, if its text is not surely a path.
   */
  readonly source: string
  /** False for a variable that only the other engine uses. */
  readonly used: boolean
}

/** Returns every variable with its effective value and its source, without checking them. */
export function describeSettings(file = ".env"): readonly Setting[] {
  const environment = readEnvironment(file)
  const engine = settingOf("ENGINE", environment).value.toLowerCase()
  return variableNames().map((name) => {
    const { value, by } = settingOf(name, environment)
    const source = by !== "variable" ? by : process.env[name] ? "environment" : file
    const isSecret = by !== "default" && (isSecretVariable(name) || isMistakenSecret(name, value))
    const shownValue = isSecret ? MASK : maskSecrets(value)
    return { name, value: shownValue, source, used: !isForOtherEngine(name, engine) }
  })
}

/** Returns true for a key that was given in the place of the file of the keys. */
const isMistakenSecret = (name: VariableName, value: string): boolean =>
  hasSecretName(name) && isProbablySecret(value)

/** Explains in words why this engine is used. */
export function explainEngine(environment: Environment): string {
  if (environment["ENGINE"]) return "ENGINE is set"
  return environment["RABBITMQ_HOST"] ? "RABBITMQ_HOST is set" : "ENGINE and RABBITMQ_HOST are not set"
}

/**
 * Reads the environment of the process, and a `.env` file in the working folder. The environment wins. Nothing in values
 * is expanded.
 * @throws {ConfigError} if there is such a file and it can't be read
 */
export function readEnvironment(file = ".env"): Record<string, string | undefined> {
  return { ...readEnvFile(file), ...process.env }
}

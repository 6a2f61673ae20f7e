import { type Environment, isSet, knownVariables } from "../config.ts"
import { distance } from "../event/suggestion.ts"

/** A setting that probably does not do what its author meant. */
export interface VariableWarning {
  readonly variable: string
  readonly message: string
}

/** Names of at least this length have few neighbours in other programs, so two wrong letters still tell them. */
const LONG_NAME = 8

/** Errors in a long name that still count as a typo. A replaced letter counts twice: SERVICE_PORT is not SERVICE_HOST. */
const MAX_ERRORS = 2
const REPLACEMENT_ERRORS = 2

/**
 * Finds variables that look mistyped, and those that have no effect because another one is missing. A name that is only
 * unknown is not suspect: most of an environment belongs to other programs, and `.env` has variables of handlers too.
 */
export const warningsOf = (environment: Environment): readonly VariableWarning[] => [
  ...mistyped(environment),
  ...withoutEngine(environment),
  ...withoutKeys(environment),
]

function mistyped(environment: Environment): readonly VariableWarning[] {
  return Object.entries(environment).flatMap(([variable, value]) => {
    const meant = nearMiss(variable) ?? (isOwnPort(variable, value) ? "PORT" : null)
    if (meant === null || (isSet(meant, environment) && typoOf(variable) === null)) return []
    return { variable, message: `the variable ${variable} has no effect; did you mean ${meant}?` }
  })
}

/** The variable that was probably meant; null for one of ours, and for a name that is not near one. */
export const nearMiss = (variable: string): string | null => typoOf(variable) ?? otherFormOf(variable)

/** The variable that is mistyped; null if none is near. */
function typoOf(variable: string): string | null {
  const known = knownVariables()
  if (known.includes(variable)) return null
  const written = variable.toUpperCase()
  return known.find((name) => isNear(written, name)) ?? null
}

/**
 * The variable of which this is another form: `PORTS`, `WORKER_PREFETCH`, `HANDLERS_DIRECTORY`, `QUEUE_TTL_MS`,
 * `EVENT_BROKER_LOG_LEVEL`. Another program may have such a variable, so it is suspect only if ours is not set.
 */
function otherFormOf(variable: string): string | null {
  const known = knownVariables()
  if (known.includes(variable)) return null
  const written = variable.toUpperCase()
  const begun = known.filter((name) => written.includes("_") && name.startsWith(`${written}_`))
  const [only, second] = begun
  const form = known.find((name) => isOtherForm(written, name))
  return form ?? (second === undefined ? only : undefined) ?? null
}

/** Begins the name of a variable that names its program, too. */
const OWN_PREFIX = "EVENT_BROKER_"

/** Kubernetes sets them, with that prefix, in every pod beside a service that is named event-broker. */
const OF_KUBERNETES = ["PORT", "SERVICE_HOST"]

/** A longer form of a name: a longer last word, or the unit of its value. */
const LONGER = /^([A-Z]+|_(MS|MILLIS|MILLISECONDS|S|SEC|SECS|SECONDS))$/

function isOtherForm(written: string, name: string): boolean {
  if (written === OWN_PREFIX + name) return !OF_KUBERNETES.includes(name)
  if (written === `${name}S` || `${written}S` === name) return true
  return name.length >= LONG_NAME && written.startsWith(name) && LONGER.test(written.slice(name.length))
}

/** Kubernetes sets `EVENT_BROKER_PORT`, too, but to a URL. */
const isOwnPort = (variable: string, value: string | undefined): boolean =>
  variable === `${OWN_PREFIX}PORT` && /^\d+$/.test(value ?? "")

function isNear(written: string, name: string): boolean {
  // A number makes another name on purpose: PORT2.
  if (written.replace(/\D/g, "") !== name.replace(/\D/g, "")) return false
  if (isVariant(written, name)) return true
  if (Math.abs(written.length - name.length) > MAX_ERRORS) return false
  if (name.length >= LONG_NAME) return distance(written, name, REPLACEMENT_ERRORS) <= MAX_ERRORS
  // Near a short name are words of others, such as POST and HOME: only slips of the fingers count.
  const isSlip = squeezed(written) === squeezed(name) || sorted(written) === sorted(name)
  return isSlip && distance(written, name) <= 1
}

/** RABBITMQ_USERNAME and RABBITMQ_PASS, as other programs call them. RABBITMQ_NODE_PORT and its like are RabbitMQ's own. */
const isVariant = (written: string, name: string): boolean =>
  [written, name].every((each) => /^RABBITMQ_[A-Z]{4,}$/.test(each)) &&
  (written.startsWith(name) || name.startsWith(written))

/** Without repeated letters. */
const squeezed = (word: string): string => word.replace(/(.)\1+/g, "$1")

const sorted = (word: string): string => Array.from(word).toSorted().join("")

/** Names of a URL of RabbitMQ in other programs. */
const BROKER_URL = /^(CLOUD)?(AMQP|RABBITMQ)_UR[IL]$/

/** Names of an API key in other programs. A handler may have one for another service, too. */
const API_KEY = /^(EVENT_BROKER_)?(API|AUTH)_(KEY|TOKEN|SECRET)$/

/** A service without a file of keys is open, whatever other variables say. */
function withoutKeys(environment: Environment): readonly VariableWarning[] {
  if (environment["API_KEYS_FILE"]) return []
  const variable = Object.keys(environment).find((name) => API_KEY.test(name) && environment[name])
  if (variable === undefined) return []
  const message = `${variable} does not protect this service, which has no API keys: keys are in the file that API_KEYS_FILE names; "event-broker keys new" makes one`
  return [{ variable, message }]
}

/** RabbitMQ is the engine only if its host is given, or if `ENGINE` says so. */
function withoutEngine(environment: Environment): readonly VariableWarning[] {
  if (environment["ENGINE"] || environment["RABBITMQ_HOST"]) return []
  const url = Object.keys(environment).find((name) => BROKER_URL.test(name) && environment[name])
  if (url !== undefined) {
    const message = `the engine is embedded, and ${url} is not read: set RABBITMQ_HOST, RABBITMQ_USER and RABBITMQ_PASSWORD to use RabbitMQ, or ENGINE=embedded to keep the embedded engine`
    return [{ variable: url, message }]
  }
  const set = knownVariables().filter((name) => name.startsWith("RABBITMQ_") && isSet(name, environment))
  const [variable] = set
  if (variable === undefined) return []
  const message =
    `the engine is embedded, so ${set.join(", ")} ${set.length === 1 ? "has" : "have"} no effect: set RABBITMQ_HOST or ` +
    "ENGINE=rabbitmq to use RabbitMQ, or ENGINE=embedded to keep the embedded engine"
  return [{ variable, message }]
}

import { type Command, Option } from "commander"
import { maskSecrets } from "../config/mask.ts"
import { parseConfig, readEnvironment } from "../config.ts"
import { describeFault, type ListedFault } from "../event/faults.ts"
import {
  explainNetworkFault,
  isConnectionLoss,
  isNetworkFault,
  isRefusal,
} from "../telemetry/network-fault.ts"
import { printable } from "../telemetry/printable.ts"
import { EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE } from "./exit-codes.ts"
import { type Answer, describeForeign, isForeign } from "./foreign-answer.ts"
import { whenListening, whenStarted } from "./when-started.ts"

/** How long a command waits for a service that starts, in milliseconds. Modules load within one second or two. */
const PATIENCE_MS = 5_000

/** The status of an answer to a request without a known key. */
const UNAUTHORIZED = 401

/** The status of an answer to a request for something that does not exist. */
const NOT_FOUND = 404

/** The statuses of answers to requests that may succeed later: too many requests, and faults of the service. */
const TOO_MANY = 429
const FIRST_SERVER_FAULT = 500

/** Routes that every Event Broker has and that need no key. The second says whether it starts. */
const PROBE = "/health/live"
const READINESS = "/health/ready"

/** The names of this machine, as URLs have them. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** Options of every command that asks a service. */
export interface ServiceOptions {
  readonly url?: string
  readonly key?: string
  readonly json?: boolean
}

/**
 * A command failed. The message says why and what to do. It can have several lines; text of others in it is escaped, so
 * that it adds none.
 */
export class CommandError extends Error {
  override readonly name = "CommandError"
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Nothing answers where the service should be. */
export class UnreachableError extends CommandError {
  /** The URL, and why nothing answers there. */
  readonly fault: string
  /** True if nothing listens there. */
  readonly isRefusal: boolean
  /** True if the connection was lost: the request may have arrived. */
  readonly isLoss: boolean

  constructor(fault: string, advice: string, cause: unknown) {
    super(`${fault}. ${advice}`, EXIT_UNREACHABLE)
    this.fault = fault
    this.isRefusal = isRefusal(cause)
    this.isLoss = isConnectionLoss(cause)
  }
}

/** The service, or a proxy before it, gave another answer than the one that was asked for. */
export class RefusedError extends CommandError {
  readonly status: number

  constructor(message: string, status: number) {
    super(message, EXIT_REFUSED)
    this.status = status
  }
}

/** Returns whether the request that failed with this error may succeed later: nothing about it has to be corrected. */
export const mayPass = (error: unknown): boolean =>
  error instanceof RefusedError
    ? error.status === TOO_MANY || error.status >= FIRST_SERVER_FAULT
    : error instanceof UnreachableError || isNetworkFault(error)

/** A problem document. */
interface Refusal {
  readonly title?: string
  readonly detail?: string
  readonly errors?: readonly ListedFault[]
}

/** Adds the options of a command that asks a service. */
export const askingService = (command: Command): Command =>
  command
    .addOption(new Option("--url <url>", "URL of the service").env("EVENT_BROKER_URL"))
    .addOption(new Option("--key <key>", "API key of the service").env("EVENT_BROKER_KEY"))
    .option("--json", "print JSON")

/** Returns the URL of a service that runs with these settings on this machine. */
function localUrl({ HOST, PORT }: { readonly HOST: string; readonly PORT: number }): string {
  const host = HOST === "0.0.0.0" ? "127.0.0.1" : HOST === "::" ? "::1" : HOST
  return `http://${host.includes(":") ? `[${host}]` : host}:${PORT}`
}

/**
 * Encodes a name that an argument gives, as a part of a path.
 * @throws {CommandError} for `.` and `..`, which are directions in a path, even if they are encoded
 */
export function pathPart(name: string): string {
  if (/^\.{0,2}$/.test(name)) {
    throw new CommandError(`${JSON.stringify(name)} can't be the name of anything`, EXIT_USAGE)
  }
  return encodeURIComponent(name)
}

/** A client of a running service. */
export class ServiceClient {
  readonly #url: string
  /** The URL as messages show it, without what may be a secret. */
  readonly #shownUrl: string
  readonly #key: string | undefined
  readonly #origin: string
  /** The path of the URL: `/` for none. */
  readonly #urlPath: string
  /** Advice on what to change if the URL is wrong. */
  readonly #urlAdvice: string
  readonly #patienceMs: number
  /** False once the service has answered, or was waited for: one that stops listening then does not start. */
  #mayStillStart: boolean

  /**
   * Without a URL, uses `EVENT_BROKER_URL` of the environment or of `.env`, or the address on which a service would listen
   * here.
   * @param patienceMs how long to wait for a service that starts, in milliseconds. If it is not 0, a service on this machine
   *   that does not listen yet is waited for, too
   * @throws {CommandError} if the URL is not valid
   */
  constructor({ url, key }: ServiceOptions, patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs
    const environment = readEnvironment()
    const variable = environment["EVENT_BROKER_URL"]
    // The option has the value of the variable if only that is given.
    const flag = url === variable ? undefined : url
    if (flag === "") throw new CommandError("--url is empty: give the URL of the service", EXIT_USAGE)
    const given = flag ?? (variable || localUrl(parseConfig(environment)))
    const parsed = URL.parse(given)
    if (parsed === null && /^https?:\/\//.test(given)) {
      const what = `--url and EVENT_BROKER_URL take a URL with a valid host and port, not ${printable(maskSecrets(given))}`
      throw new CommandError(what, EXIT_USAGE)
    }
    if (!/^https?:$/.test(parsed?.protocol ?? "")) {
      throw new CommandError(
        `--url and EVENT_BROKER_URL take a URL that begins with http:// or https://, not ${printable(maskSecrets(given))}`,
        EXIT_USAGE,
      )
    }
    if (parsed?.search || parsed?.hash) {
      const what = `--url and EVENT_BROKER_URL take a URL without a query, not ${printable(maskSecrets(given))}`
      throw new CommandError(what, EXIT_USAGE)
    }
    this.#url = given.replace(/\/+$/, "")
    this.#shownUrl = maskSecrets(this.#url)
    this.#origin = parsed?.origin ?? ""
    this.#mayStillStart = patienceMs > 0 && LOOPBACK.test(parsed?.hostname ?? "")
    this.#urlPath = parsed?.pathname ?? "/"
    this.#urlAdvice =
      flag === undefined && !variable
        ? "say where it is with --url or EVENT_BROKER_URL"
        : `correct ${flag === undefined ? "EVENT_BROKER_URL" : "--url"}`
    this.#key = (key ?? environment["EVENT_BROKER_KEY"]) || undefined
    if (this.#key !== undefined && !/^[\x21-\x7e]+$/.test(this.#key)) {
      const what =
        "--key and EVENT_BROKER_KEY take an API key: letters, digits, - and _, without spaces or line breaks"
      throw new CommandError(what, EXIT_USAGE)
    }
  }

  /** Sends a request. Rejects with a `CommandError` if the answer is not a success. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.sendAnyway(path, init)
    if (!response.ok) throw await this.refusal(response, await response.text())
    const { headers, status } = response
    const answer = { status, headers, text: "" }
    if (isForeign(answer)) throw this.foreign({ ...answer, text: await response.text() })
    return response
  }

  /**
   * Sends a request, and repeats it while the service starts, except one whose body is a stream: call `started` before it.
   * Resolves with any answer; rejects with an `UnreachableError` if there is none.
   */
  async sendAnyway(path: string, init: RequestInit = {}): Promise<Response> {
    if (init.body instanceof ReadableStream) return this.#fetch(path, init)
    return whenStarted(() => this.#sendWhenListening(path, init), this.#patienceMs)
  }

  /** Waits while the service starts. Resolves also if it goes on starting; rejects with an `UnreachableError` without an answer. */
  async started(): Promise<void> {
    await this.sendAnyway(READINESS)
  }

  async #sendWhenListening(path: string, init: RequestInit): Promise<Response> {
    const mayStillStart = this.#mayStillStart
    this.#mayStillStart = false
    const isRefused = (error: unknown): boolean =>
      mayStillStart && error instanceof UnreachableError && error.isRefusal
    return whenListening(() => this.#fetch(path, init), isRefused, this.#shownUrl)
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#key !== undefined) headers.set("Authorization", `Bearer ${this.#key}`)
    try {
      return await fetch(this.#url + path, { ...init, headers, redirect: "manual" })
    } catch (error) {
      throw new UnreachableError(
        `the service at ${this.#shownUrl} can't be reached: ${printable(explainNetworkFault(error))}`,
        `Start it, or ${this.#urlAdvice}`,
        error,
      )
    }
  }

  /** Sends a request whose answer is JSON. Rejects with a `CommandError` if the answer is not a success, or not JSON. */
  async ask<Body>(path: string, init: RequestInit = {}): Promise<Body> {
    const response = await this.send(path, init)
    return this.read({ status: response.status, headers: response.headers, text: await response.text() })
  }

  /** Reads a successful answer as JSON. Throws a `CommandError` if no Event Broker gave it. */
  read<Body>(answer: Answer): Body {
    try {
      if (!isForeign(answer)) return JSON.parse(answer.text) as Body
    } catch {
      // Not JSON, so it is foreign, too.
    }
    throw this.foreign(answer)
  }

  /** Makes the error for an answer that no Event Broker gives. */
  foreign(answer: Answer): CommandError {
    const what = `${this.#shownUrl} did not answer as an Event Broker does: ${printable(describeForeign(answer))}`
    return new RefusedError(`${what}. Start the service behind it, or ${this.#urlAdvice}`, answer.status)
  }

  /** Makes the error for an answer that is not a success, from its text. */
  async refusal({ status, headers }: Response, text: string): Promise<CommandError> {
    if (isForeign({ status, headers, text })) return this.foreign({ status, headers, text })
    if (status === UNAUTHORIZED) return new RefusedError(this.#keyAdvice(), status)
    if (status === NOT_FOUND && (await this.#isPathWrong()))
      return new RefusedError(this.#pathAdvice(), status)
    const { title, detail, errors = [] } = parseRefusal(text)
    const faults = errors.map((fault) => `\n${printable(describeFault(fault))}`)
    // If faults are listed, the detail only says that there are some.
    const what =
      (errors.length > 0 ? title : detail) ?? `the service answered ${status}: ${text.slice(0, 200)}`
    return new RefusedError(`${printable(what)}${faults.join("")}`, status)
  }

  /** Returns whether the service has nothing at all below the path of the URL. */
  async #isPathWrong(): Promise<boolean> {
    return this.#urlPath !== "/" && (await this.sendAnyway(PROBE)).status === NOT_FOUND
  }

  #pathAdvice(): string {
    const path = printable(this.#urlPath.replace(/\/+$/, ""))
    return `an Event Broker answers at ${this.#origin}, but has nothing under the path ${path}: ${this.#urlAdvice}`
  }

  #keyAdvice(): string {
    return this.#key === undefined
      ? `the service at ${this.#shownUrl} needs an API key: give one with --key or EVENT_BROKER_KEY; "event-broker keys new" makes one`
      : `the service at ${this.#shownUrl} does not know this API key: check --key or EVENT_BROKER_KEY`
  }
}

function parseRefusal(text: string): Refusal {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === "object" && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}

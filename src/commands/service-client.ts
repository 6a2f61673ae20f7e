import { type Command, Option } from "commander"
import { maskSecrets } from "../config/mask.ts"
import { parseConfig, readEnvironment } from "../config.ts"
import { explainNetworkFault } from "../telemetry/network-fault.ts"
import { printable } from "../telemetry/printable.ts"
import { EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE } from "./exit-codes.ts"

/** The status of an answer to a request without a known key. */
const UNAUTHORIZED = 401

const NOT_FOUND = 404

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

  constructor(fault: string, advice: string) {
    super(`${fault}. ${advice}`, EXIT_UNREACHABLE)
    this.fault = fault
  }
}

/** Media type of every refusal by the service. Source: RFC 9457. */
const PROBLEM_TYPE = "application/problem+json"

/** A problem document. */
interface Refusal {
  readonly title?: string
  readonly detail?: string
  readonly errors?: readonly {
    readonly pointer?: string
    readonly parameter?: string
    readonly message: string
  }[]
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
  /** Advice on what to change if the URL is wrong. */
  readonly #urlAdvice: string
  /** True if the URL has a path, which a proxy in front of the service takes away. */
  readonly #hasPath: boolean

  /**
   * Without a URL, uses `EVENT_BROKER_URL` of the environment or of `.env`, or the address on which a service would listen
   * here.
   * @throws {CommandError} if the URL is not valid
   */
  constructor({ url, key }: ServiceOptions) {
    const environment = readEnvironment()
    const given = url ?? environment["EVENT_BROKER_URL"] ?? localUrl(parseConfig(environment))
    if (!/^https?:$/.test(URL.parse(given)?.protocol ?? "")) {
      throw new CommandError(
        `--url and EVENT_BROKER_URL take a URL that begins with http:// or https://, not ${printable(maskSecrets(given))}`,
        EXIT_USAGE,
      )
    }
    this.#url = given.replace(/\/+$/, "")
    this.#shownUrl = maskSecrets(this.#url)
    this.#hasPath = new URL(this.#url).pathname !== "/"
    this.#urlAdvice =
      url === undefined
        ? "say where it is with --url or EVENT_BROKER_URL"
        : `correct ${url === environment["EVENT_BROKER_URL"] ? "EVENT_BROKER_URL" : "--url"}`
    this.#key = key ?? environment["EVENT_BROKER_KEY"]
  }

  /** Sends a request. Rejects with a `CommandError` if the answer is not a success. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.sendAnyway(path, init)
    if (!response.ok) throw this.refusal(response, await response.text())
    return response
  }

  /** Sends a request. Resolves with any answer; rejects with an `UnreachableError` if there is none. */
  async sendAnyway(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#key !== undefined) headers.set("Authorization", `Bearer ${this.#key}`)
    try {
      return await fetch(this.#url + path, { ...init, headers, redirect: "manual" })
    } catch (error) {
      throw new UnreachableError(
        `nothing answers at ${this.#shownUrl}: ${printable(explainNetworkFault(error))}`,
        `Start the service, or ${this.#urlAdvice}`,
      )
    }
  }

  /** Sends a request whose answer is JSON. Rejects with a `CommandError` if it is not, or not a success. */
  async ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await this.send(path, init)
    const text = await response.text()
    try {
      return JSON.parse(text) as Answer
    } catch {
      throw this.strangeAnswer(response)
    }
  }

  /** Makes the error for an answer that is not a success, from its text. */
  refusal(response: Response, text: string): CommandError {
    if (response.status === UNAUTHORIZED) return new CommandError(this.#keyAdvice(), EXIT_REFUSED)
    if (!response.headers.get("Content-Type")?.startsWith(PROBLEM_TYPE)) return this.strangeAnswer(response)
    const { title, detail, errors = [] } = parseRefusal(text)
    const seenPath = new URL(response.url).pathname
    // The service saw the URL's own path, so no proxy takes it away.
    if (response.status === NOT_FOUND && this.#hasPath && detail?.includes(seenPath)) {
      return new CommandError(
        `${this.#shownUrl} is not where the service is: it has nothing at ${seenPath}. To mend this, ${this.#urlAdvice}`,
        EXIT_REFUSED,
      )
    }
    const faults = errors.map(
      ({ pointer, parameter, message }) => `\n${printable(`${pointer || parameter || "/"} ${message}`)}`,
    )
    // If faults are listed, the detail only says that there are some.
    const what = (errors.length > 0 ? title : detail) ?? `the service answered ${response.status}`
    return new CommandError(`${printable(what)}${faults.join("")}`, EXIT_REFUSED)
  }

  /** Makes the error for an answer of another program, such as a proxy that can't reach the service. */
  strangeAnswer({ status, statusText }: Response): CommandError {
    return new CommandError(
      `${this.#shownUrl} did not answer as an Event Broker does (status ${status} ${printable(statusText)}): ${this.#urlAdvice}, or look at the proxy in front of the service`,
      EXIT_REFUSED,
    )
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

import { type Command, Option } from "commander"
import { parseConfig, readEnvironment } from "../config.ts"
import { explainNetworkFault } from "../telemetry/network-fault.ts"
import { printable } from "../telemetry/printable.ts"
import { EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE } from "./exit-codes.ts"

/** The status of an answer to a request without a known key. */
const UNAUTHORIZED = 401

/** What every command that asks a service takes. */
export interface ServiceOptions {
  readonly url?: string
  readonly key?: string
  readonly json?: boolean
}

/**
 * A command that could not do what it was asked. The message says what to do about it; it may have several lines, and
 * what others wrote has none in it.
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
  /** Where it should be, and why nothing answers. */
  readonly fault: string

  constructor(fault: string, advice: string) {
    super(`${fault}. ${advice}`, EXIT_UNREACHABLE)
    this.fault = fault
  }
}

/** An answer that is no success, as problem documents have it. */
interface Refusal {
  readonly title?: string
  readonly detail?: string
  readonly errors?: readonly {
    readonly pointer?: string
    readonly parameter?: string
    readonly message: string
  }[]
}

/** For a command that asks a service: where it is, and with which key. */
export const askingService = (command: Command): Command =>
  command
    .addOption(new Option("--url <url>", "the URL of the service").env("EVENT_BROKER_URL"))
    .addOption(new Option("--key <key>", "an API key of the service").env("EVENT_BROKER_KEY"))
    .option("--json", "as JSON")

/** Where a service that runs with these settings on this machine is reached. */
function localUrl({ HOST, PORT }: { readonly HOST: string; readonly PORT: number }): string {
  const host = HOST === "0.0.0.0" ? "127.0.0.1" : HOST === "::" ? "::1" : HOST
  return `http://${host.includes(":") ? `[${host}]` : host}:${PORT}`
}

/** A service, as the commands ask it. */
export class ServiceClient {
  readonly #url: string
  readonly #key: string | undefined
  /** What to change if the URL is wrong. */
  readonly #urlAdvice: string

  /** Where no URL is given, the variables or the `.env` file here say it, or where the service would listen. */
  constructor({ url, key }: ServiceOptions) {
    const environment = readEnvironment()
    const given = url ?? environment["EVENT_BROKER_URL"] ?? localUrl(parseConfig(environment))
    if (!/^https?:$/.test(URL.parse(given)?.protocol ?? "")) {
      throw new CommandError(
        `--url and EVENT_BROKER_URL take a URL that begins with http:// or https://, not ${printable(given)}`,
        EXIT_USAGE,
      )
    }
    this.#url = given.replace(/\/+$/, "")
    this.#urlAdvice =
      url === undefined
        ? "say where it is with --url or EVENT_BROKER_URL"
        : `correct ${url === environment["EVENT_BROKER_URL"] ? "EVENT_BROKER_URL" : "--url"}`
    this.#key = key ?? environment["EVENT_BROKER_KEY"]
  }

  /** Sends a request; resolves with an answer that is a success. @throws {CommandError} */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.sendAnyway(path, init)
    if (!response.ok) throw this.refusal(response, await response.text())
    return response
  }

  /** Resolves with whatever is answered. @throws {CommandError} where nothing is. */
  async sendAnyway(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#key !== undefined) headers.set("Authorization", `Bearer ${this.#key}`)
    try {
      return await fetch(this.#url + path, { ...init, headers, redirect: "manual" })
    } catch (error) {
      throw new UnreachableError(
        `nothing answers at ${this.#url}: ${printable(explainNetworkFault(error))}`,
        `Start the service, or ${this.#urlAdvice}`,
      )
    }
  }

  /** Asks for JSON. @throws {CommandError} */
  async get<Answer>(path: string): Promise<Answer> {
    return (await (await this.send(path)).json()) as Answer
  }

  /** The error for an answer that is no success, with this text. */
  refusal(response: Response, text: string): CommandError {
    if (response.status === UNAUTHORIZED) return new CommandError(this.#keyAdvice(), EXIT_REFUSED)
    const { title, detail, errors = [] } = parseRefusal(text)
    const faults = errors.map(
      ({ pointer, parameter, message }) => `\n${printable(`${pointer || parameter || "/"} ${message}`)}`,
    )
    // With faults the detail says no more than that there are some.
    const what =
      (errors.length > 0 ? title : detail) ?? `the service answered ${response.status}: ${text.slice(0, 200)}`
    return new CommandError(`${printable(what)}${faults.join("")}`, EXIT_REFUSED)
  }

  #keyAdvice(): string {
    return this.#key === undefined
      ? `the service at ${this.#url} needs an API key: give one with --key or EVENT_BROKER_KEY; "event-broker keys new" makes one`
      : `the service at ${this.#url} does not know this API key: check --key or EVENT_BROKER_KEY`
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

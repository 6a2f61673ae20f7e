import { ProblemError } from "./problem.ts"

/** The `Host` of a request. */
export interface RequestHost {
  /** In lower case without a final dot; an IPv6 address is in brackets. */
  readonly name: string
  /** Null if there is no port. */
  readonly port: number | null
}

/**
 * An IP literal in brackets or a registered name, then a port. Source: RFC 3986, sections 3.2.2 and 3.2.3.
 */
const HOST = /^(\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::(\d*))?$/i

const MAX_PORT = 65_535

/** Parses the `Host` of requests. Caches the last one, because nearly all requests have the same. */
export class HostReader {
  #text: string | null = null
  #host: RequestHost | null = null

  /**
   * Returns null if `Host` is empty or, as HTTP/1.0 allows, missing.
   * @throws {ProblemError} `malformed-request` if it is invalid or occurs several times (RFC 9112, section
   * 3.2).
   */
  read(text: string | null): RequestHost | null {
    if (text === this.#text) return this.#host
    const host = parse(text)
    this.#text = text
    this.#host = host
    return host
  }
}

/** Normalizes a host name for comparison: lower case, without a final dot. */
export const nameOf = (name: string): string => name.toLowerCase().replace(/\.$/, "")

function parse(text: string | null): RequestHost | null {
  if (text === null || text === "") return null
  const [, name, digits = ""] = HOST.exec(text) ?? []
  const port = digits === "" ? null : Number(digits)
  if (name === undefined || (port ?? 0) > MAX_PORT) {
    throw new ProblemError("malformed-request", "The Host is not a host with an optional port.")
  }
  return name === "" ? null : { name: nameOf(name), port }
}

import { ProblemError } from "./problem.ts"

/** The `Host` of a request. */
export interface RequestHost {
  /** In lower case, without a dot at its end; an IPv6 address is in brackets. */
  readonly name: string
  /** Null if it names none. */
  readonly port: number | null
}

/** An IP literal in brackets, or a registered name; then a port. Source: RFC 3986, sections 3.2.2 and 3.2.3. */
const HOST = /^(\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::(\d*))?$/i

const MAX_PORT = 65_535

/** Reads the `Host` of requests. Nearly all of them name the same one, so that the last one is remembered. */
export class HostReader {
  #text: string | null = null
  #host: RequestHost | null = null

  /**
   * Null for a `Host` that is missing, as HTTP/1.0 allows, or empty.
   * @throws {ProblemError} `malformed-request` for one that is not a host, and for several (RFC 9112, section 3.2).
   */
  read(text: string | null): RequestHost | null {
    if (text === this.#text) return this.#host
    const host = parse(text)
    this.#text = text
    this.#host = host
    return host
  }
}

/** A host's name in the form in which names are compared: in lower case, without a dot at its end. */
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

import { parseExactly } from "./exact-numbers.ts"
import { type Fault, Problem } from "./problem.ts"

/** Name under which the tab keeps the key until it is closed. */
const STORED_KEY = "event-broker-key"

let onUnauthorized: () => void = () => {}

export const storedKey = (): string | null => sessionStorage.getItem(STORED_KEY)

export function storeKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(STORED_KEY)
  else sessionStorage.setItem(STORED_KEY, key)
}

/** Sets what happens when the service no longer accepts the key. */
export function whenUnauthorized(callback: () => void): void {
  onUnauthorized = callback
}

export interface CallOptions {
  readonly method?: "GET" | "POST" | "DELETE"
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Keep the digits of numbers that JavaScript rounds. Default: false. */
  readonly isExact?: boolean
  readonly signal?: AbortSignal
}

/**
 * Sends a request to the service, below the path of the page, and returns the JSON of its answer.
 * @param path relative, without a slash at its beginning
 * @throws {Problem} if it is refused, or the service can't be reached
 */
export async function call<Answer>(path: string, options: CallOptions = {}): Promise<Answer> {
  const text = await callText(path, options)
  // The types of the answers are those of the service's OpenAPI document.
  return (options.isExact ? parseExactly(text) : JSON.parse(text)) as Answer
}

/** As `call`, for answers that are not JSON. @throws {Problem} */
export async function callText(path: string, options: CallOptions = {}): Promise<string> {
  return (await request(path, options)).text()
}

/** Sends a request, and returns the response if it is not refused. @throws {Problem} */
export async function request(path: string, options: CallOptions): Promise<Response> {
  const { method = "GET", query = {}, body, signal } = options
  const key = storedKey()
  const init: RequestInit = {
    method,
    cache: "no-store",
    headers: {
      ...(key !== null && { Authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }
  const response = await reach(path + queryOf(query), init)
  if (response.ok) return response
  const problem = await problemOf(response)
  if (problem.status === 401) onUnauthorized()
  throw problem
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Problem(0, "unreachable", "The service can't be reached.")
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const unexplained = `The service answered ${response.status} ${response.statusText}.`
  try {
    const { type, detail, errors } = (await response.json()) as {
      readonly type?: string
      readonly detail?: string
      readonly errors?: readonly Fault[]
    }
    return new Problem(response.status, type?.split(":").at(-1) ?? "", detail ?? unexplained, errors)
  } catch {
    // A proxy in front of the service answers without a problem document; the status is all that is known.
    return new Problem(response.status, "", unexplained)
  }
}

function queryOf(query: NonNullable<CallOptions["query"]>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue
    if (typeof value !== "object") parameters.append(name, String(value))
    else for (const each of value) parameters.append(name, each)
  }
  return parameters.size === 0 ? "" : `?${parameters}`
}

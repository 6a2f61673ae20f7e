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
  /** JSON that is sent as it is, in the place of `body`. */
  readonly text?: string
  /** Keep the digits of numbers that JavaScript rounds. Default: false. */
  readonly isExact?: boolean
  readonly signal?: AbortSignal
  /** Longest time until the answer is complete, in milliseconds. Default: no limit, because a change can take long. */
  readonly timeoutMs?: number
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
  const response = await request(path, options)
  try {
    return await response.text()
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw unreached(error)
  }
}

/** Sends a request, and returns the response if it is not refused. @throws {Problem} */
export async function request(path: string, options: CallOptions): Promise<Response> {
  const { method = "GET", query = {}, body, signal, timeoutMs } = options
  const text = options.text ?? (body === undefined ? undefined : JSON.stringify(body))
  const signals = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)]
  const key = storedKey()
  const init: RequestInit = {
    method,
    cache: "no-store",
    headers: {
      ...(key !== null && { Authorization: `Bearer ${key}` }),
      ...(text !== undefined && { "Content-Type": "application/json" }),
    },
    ...(text !== undefined && { body: text }),
    signal: AbortSignal.any(signals.filter((each) => each !== undefined)),
  }
  const isChange = method !== "GET" && !path.endsWith("/validate") && !isDry(query) && !isDry(body)
  const response = await reach(path + queryOf(query), init, signal, isChange)
  if (response.ok) return response
  const problem = await problemOf(response)
  if (problem.status === 401) onUnauthorized()
  throw problem
}

const isDry = (options: unknown): boolean =>
  typeof options === "object" && options !== null && "dry_run" in options && options.dry_run === true

/**
 * @param signal of whoever gave the request up, who learns nothing else
 * @param isChange says that the change may have been made if there is no answer
 */
async function reach(
  url: string,
  init: RequestInit,
  signal: AbortSignal | undefined,
  isChange: boolean,
): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (signal?.aborted) throw error
    throw isChange ? unanswered(error) : unreached(error)
  }
}

const unanswered = (error: unknown): Problem =>
  new Problem(
    0,
    "unreachable",
    `${unreached(error).message} Perhaps the change was made: look before you repeat it.`,
  )

const unreached = (error: unknown): Problem =>
  isTimeout(error)
    ? new Problem(0, "unreachable", "The service does not answer.")
    : new Problem(0, "unreachable", "The service can't be reached.")

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === "TimeoutError"

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

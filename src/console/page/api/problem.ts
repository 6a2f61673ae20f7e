export interface Fault {
  /** Place of the fault in the body, as a JSON pointer. */
  readonly pointer?: string
  readonly parameter?: string
  readonly message: string
}

/** The service refused a request, or could not be reached (`status` 0). */
export class Problem extends Error {
  override readonly name = "Problem"
  readonly status: number
  /** Last word of the problem's type, such as `queue-full`. */
  readonly slug: string
  readonly faults: readonly Fault[]

  constructor(status: number, slug: string, detail: string, faults: readonly Fault[] = []) {
    super(detail)
    this.status = status
    this.slug = slug
    this.faults = faults
  }
}

/** Returns what an error says to the person in front of the page. */
export function sayError(error: unknown): string {
  if (!(error instanceof Problem)) return error instanceof Error ? error.message : String(error)
  const faults = error.faults.map(
    ({ pointer, parameter, message }) => `${pointer ?? parameter ?? ""} ${message}`,
  )
  return faults.length === 0 ? error.message : faults.map((fault) => fault.trim()).join("; ")
}

/** Returns whether a change may have been made although it failed: the service, or a proxy, did not answer what became of it. */
export const isUnknownOutcome = (error: unknown): boolean =>
  error instanceof Problem && (error.status === 0 || error.status >= 500)

/** Returns whether an error only says that its request was given up. */
export const isAborted = (error: unknown): boolean => error instanceof Error && error.name === "AbortError"

/** Returns whether the service gave no answer at all: other requests would be made in vain, too. */
export const isUnreached = (error: unknown): boolean => error instanceof Problem && error.status === 0

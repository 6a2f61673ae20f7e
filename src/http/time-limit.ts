import { ProblemError } from "./problem.ts"

/** Settles as the work does, or rejects with `expired()` after `timeoutMs` milliseconds. */
export function inTime<Result>(
  work: Promise<Result>,
  timeoutMs: number,
  expired: () => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(expired()), Math.max(0, timeoutMs))
    const settle =
      <Value>(done: (value: Value) => void) =>
      (value: Value) => {
        clearTimeout(timer)
        done(value)
      }
    work.then(settle(resolve), settle(reject))
  })
}

/** Returns the problem of a body that does not arrive in time. Its connection can't be reused. */
export const bodyTimeout = (timeoutMs: number, what = "The body"): ProblemError =>
  new ProblemError("request-timeout", `${what} did not arrive within ${timeoutMs} ms.`, {
    outcome: "not-stored",
    headers: { Connection: "close" },
  })

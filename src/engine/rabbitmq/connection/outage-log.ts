import type { Report } from "../../report.ts"
import type { BrokerAddress } from "./broker-address.ts"
import { ConnectFault } from "./connect-fault.ts"

/**
 * Interval until a continuing outage is logged again, in milliseconds: short at first, finally five minutes.
 */
const FIRST_REPEAT_MS = 10_000
const LAST_REPEAT_MS = 300_000
const REPEAT_FACTOR = 2

/**
 * Logs why RabbitMQ can't be used, for all connections together: each new reason at once, and repeatedly, at
 * growing intervals, while the outage lasts.
 */
export class OutageLog {
  readonly #report: Report
  readonly #now: () => number
  /** Host and code of each reason logged in this outage: few, because codes are few. */
  readonly #told = new Set<string>()
  #beganAt = 0
  #attempts = 0
  #repeatAt = 0
  #repeatMs = FIRST_REPEAT_MS

  /** @param now a monotonic clock in milliseconds */
  constructor(report: Report, now: () => number = () => performance.now()) {
    this.#report = report
    this.#now = now
  }

  /** Records a failed attempt to connect. */
  failed({ host, port }: BrokerAddress, error: Error): void {
    const now = this.#now()
    if (this.#attempts++ === 0) this.#beganAt = now
    const code = error instanceof ConnectFault ? error.code : error.name
    const reason = `${host}:${port} ${code}`
    const isNew = !this.#told.has(reason)
    if (!isNew && now < this.#repeatAt) return
    this.#told.add(reason)
    if (!isNew) this.#repeatMs = Math.min(this.#repeatMs * REPEAT_FACTOR, LAST_REPEAT_MS)
    this.#repeatAt = now + this.#repeatMs
    const seconds = Math.round((now - this.#beganAt) / 1_000)
    const level = error instanceof ConnectFault && !error.isRefusal ? "warn" : "error"
    this.#report(level, `RabbitMQ can't be used: ${error.message}`, {
      code,
      ...(seconds > 0 && { for_seconds: seconds, attempts: this.#attempts }),
    })
  }

  /** Records that there is a connection again. */
  ended(): void {
    this.#told.clear()
    this.#attempts = 0
    this.#repeatMs = FIRST_REPEAT_MS
  }
}

import type { Report } from "../../report.ts"

/** How much of a record the log shows, in bytes. */
const MAX_EXCERPT_BYTES = 100

/** Told again once there are so many times as many as were told. */
const TOLD_AGAIN_AT = 10

/** Counts the records of the register that can't be read, and logs how many there are and how the first one begins. */
export class UnreadableRecords {
  readonly #report: Report
  #count = 0
  #told = 0
  #first = ""

  constructor(report: Report) {
    this.#report = report
  }

  /** The register is read again from its beginning. */
  begin(): void {
    this.#count = 0
  }

  add(body: Uint8Array): void {
    if (this.#count++ > 0) return
    this.#first = new TextDecoder().decode(body.subarray(0, MAX_EXCERPT_BYTES))
  }

  /** Logs the count, if it was not logged yet or has grown tenfold. */
  tell(): void {
    if (this.#count === 0 || this.#count < this.#told * TOLD_AGAIN_AT) return
    this.#told = this.#count
    this.#report(
      "warn",
      "records of the register can't be read, and are ignored: another program, or a later version, has written them",
      { count: this.#count, first: this.#first },
    )
  }
}

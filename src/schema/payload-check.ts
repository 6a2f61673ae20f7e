import { ValueNumbers } from "./value-numbers.ts"

/**
 * Most references that one check follows. A payload of 1 MiB has about half as many values. A schema that refers
 * to itself twice from one place doubles them with each level of the payload.
 */
const MAX_REFERENCES = 1_000_000

/** A check that takes too long. */
export class CheckTooLongError extends Error {
  override readonly name = "CheckTooLongError"
}

/** State that the keywords share during one check of one payload. */
export class PayloadCheck {
  #references = 0
  #values: ValueNumbers | null = null

  /** @throws {CheckTooLongError} */
  followReference(): void {
    if (++this.#references > MAX_REFERENCES) throw new CheckTooLongError()
  }

  get values(): ValueNumbers {
    this.#values ??= new ValueNumbers()
    return this.#values
  }
}

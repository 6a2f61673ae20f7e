import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { InvalidCursorError } from "../../errors.ts"
import { FAILURE } from "../wire/failure-header.ts"

const FORM = /^(\d{1,15})-([0-9a-z]{1,13})$/

/**
 * Points to the last dead letter of a page: its position, and its checksum. When older ones are deleted it
 * moves forward and is found there; if it is deleted itself, it is not found.
 */
export class LetterCursor {
  /** Number of dead letters up to and including it. */
  readonly position: number
  readonly #checksum: string

  private constructor(position: number, checksum: string) {
    this.position = position
    this.#checksum = checksum
  }

  /** @throws {InvalidCursorError} */
  static parse(text: string): LetterCursor {
    const [, position, checksum] = FORM.exec(text) ?? []
    if (position === undefined || checksum === undefined)
      throw new InvalidCursorError("is not a cursor of a list")
    return new LetterCursor(Number(position), checksum)
  }

  static at(position: number, message: AMQPMessage): LetterCursor {
    return new LetterCursor(position, checksumOf(message))
  }

  pointsTo(message: AMQPMessage): boolean {
    return checksumOf(message) === this.#checksum
  }

  toString(): string {
    return `${this.position}-${this.#checksum}`
  }
}

function checksumOf({ body, properties }: AMQPMessage): string {
  const failure: unknown = properties.headers?.[FAILURE]
  // Another program may have put anything there; a table can't even be turned into a text.
  const seed = Bun.hash.wyhash(typeof failure === "string" ? failure : "")
  return Bun.hash.wyhash(body ?? "", seed).toString(36)
}

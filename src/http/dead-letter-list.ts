import type { DeadLetter, DeadLetterPage, DeadLetterSelection, Engine } from "../engine/engine.ts"
import { parseJsonText } from "../event/json-text.ts"
import type { LoopTurns } from "./loop-turns.ts"

/**
 * Length of the bodies after which an answer ends and gives a cursor, in UTF-16 code units: enough for 1,000 ordinary
 * letters. The last page may go over it by its own length.
 */
const MAX_ANSWER_LENGTH = 8_388_608

/** Length up to which an answer is sent as a whole, with its Content-Length. */
const MAX_WHOLE_LENGTH = 65_536

/** Length of the texts that a streamed answer is sent in. */
const CHUNK_LENGTH = 65_536

export interface DeadLetterListOptions {
  readonly engine: Engine
  readonly queue: string
  readonly selection: DeadLetterSelection & { readonly limit: number }
  readonly cursor: string | undefined
  readonly turns: LoopTurns
}

/** The answer to a look at dead letters, read from the engine page by page while it is sent. */
export class DeadLetterList {
  readonly #options: DeadLetterListOptions
  readonly #first: DeadLetterPage

  /** Reads the first page, so that what is wrong is known before the answer begins. */
  static async begin(options: DeadLetterListOptions): Promise<DeadLetterList> {
    const { engine, queue, selection, cursor } = options
    return new DeadLetterList(options, await engine.deadLetters(queue, selection, cursor))
  }

  private constructor(options: DeadLetterListOptions, first: DeadLetterPage) {
    this.#options = options
    this.#first = first
  }

  /** The answer as one text; null if it is too long for that. */
  whole(): string | null {
    const { queue, selection } = this.#options
    const { letters, cursor } = this.#first
    if (cursor !== null && letters.length < selection.limit) return null
    if (lengthOf(letters) > MAX_WHOLE_LENGTH) return null
    const texts = letters.map((letter) => textOf(queue, letter))
    return `{"count":${letters.length},"dead_letters":[${texts.join(",")}],"cursor":${JSON.stringify(cursor)}}`
  }

  /** The answer in pieces, each made once the one before was taken. */
  async *texts(): AsyncGenerator<string, void> {
    const { engine, queue, selection, turns } = this.#options
    let page = this.#first
    let count = 0
    let length = 0
    let text = '{"dead_letters":['
    while (true) {
      for (const letter of page.letters) {
        await turns.next()
        text += (count++ === 0 ? "" : ",") + textOf(queue, letter)
        if (text.length < CHUNK_LENGTH) continue
        yield text
        text = ""
      }
      length += lengthOf(page.letters)
      const limit = selection.limit - count
      if (page.cursor === null || limit <= 0 || length >= MAX_ANSWER_LENGTH) break
      page = await engine.deadLetters(queue, { ...selection, limit }, page.cursor)
    }
    yield `${text}],"count":${count},"cursor":${JSON.stringify(page.cursor)}}`
  }
}

const lengthOf = (letters: readonly DeadLetter[]): number =>
  letters.reduce((sum, { body }) => sum + body.length, 0)

/** A dead letter as JSON. An event is copied as it is stored: to parse it and write it again takes twice as long. */
function textOf(queue: string, { body, failure }: DeadLetter): string {
  const event = isJson(body) ? `"event":${body}` : `"body":${JSON.stringify(body)}`
  const rest = JSON.stringify({
    reason: failure.reason,
    attempts: failure.attempts,
    first_failed_at: toSeconds(failure.firstFailedAt),
    last_failed_at: toSeconds(failure.lastFailedAt),
    error: failure.error,
    module: failure.module,
  })
  return `{"queue":${JSON.stringify(queue)},${event},${rest.slice(1)}`
}

function isJson(body: string): boolean {
  try {
    parseJsonText(body, "The event")
    return true
  } catch {
    // Another program's message: no JSON, or JSON that clients can't read.
    return false
  }
}

const toSeconds = (ms: number): number | null => (ms > 0 ? ms / 1_000 : null)

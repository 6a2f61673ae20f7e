import { FOREIGN_MARK } from "./other-program.ts"

const LIMIT = 1_000

interface Letter {
  readonly reason: string
  readonly event?: unknown
  readonly body?: string
}

interface Page {
  readonly dead_letters: readonly Letter[]
  readonly cursor: string | null
}

const FOREIGN_ID = new RegExp(`${FOREIGN_MARK}[\\da-f-]+`)

/** The dead letters of the run, read in parts, because one listing does not show all of them. */
export class DeadLetters {
  readonly ids = new Set<string>()
  /** Marks of foreign messages. */
  readonly foreignIds = new Set<string>()
  readonly byReason = new Map<string, number>()
  readonly #url: () => string
  readonly #path: string

  constructor(url: () => string, queue: string) {
    this.#url = url
    this.#path = `/api/v1/dead-letters/${queue}`
  }

  /**
   * Collects all existing dead letters. Deletes none: on RabbitMQ, the oldest ones after a listing need not be those that it
   * showed, if others have arrived meanwhile.
   */
  async collect(): Promise<void> {
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`
      const response = await fetch(`${this.#url()}${this.#path}?limit=${LIMIT}${page}`)
      if (!response.ok) throw new Error(`dead letters: ${response.status} ${await response.text()}`)
      const { dead_letters: letters, cursor: next } = (await response.json()) as Page
      for (const letter of letters) this.#add(letter)
      cursor = next
    }
  }

  #add(letter: Letter): void {
    const foreign = FOREIGN_ID.exec(JSON.stringify(letter))?.[0]
    if (foreign !== undefined) this.foreignIds.add(foreign)
    const id = idOf(letter)
    if (id === null || foreign !== undefined) return
    if (!this.ids.has(id)) this.byReason.set(letter.reason, (this.byReason.get(letter.reason) ?? 0) + 1)
    this.ids.add(id)
  }
}

function idOf({ event }: Letter): string | null {
  const id: unknown = typeof event === "object" && event !== null && "id" in event ? event.id : null
  return typeof id === "string" ? id : null
}

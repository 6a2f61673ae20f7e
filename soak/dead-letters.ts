import { FOREIGN_MARK } from "./other-program.ts"

const LIMIT = 1_000

interface Letter {
  readonly reason: string
  readonly event?: unknown
  readonly body?: string
}

const FOREIGN_ID = new RegExp(`${FOREIGN_MARK}[\\da-f-]+`)

/** The dead letters of the run, read and purged in parts, because one listing does not show all of them. */
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

  /** Collects all existing dead letters. */
  async collect(): Promise<void> {
    while (true) {
      const response = await fetch(`${this.#url()}${this.#path}?limit=${LIMIT}`)
      if (!response.ok) throw new Error(`dead letters: ${response.status} ${await response.text()}`)
      const { dead_letters: letters } = (await response.json()) as {
        readonly dead_letters: readonly Letter[]
      }
      for (const letter of letters) this.#add(letter)
      if (letters.length === 0) return
      // Deletes only those that were listed: more arrive behind them meanwhile.
      await this.#delete(`limit=${letters.length}`)
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

  async #delete(selection: string): Promise<void> {
    const response = await fetch(`${this.#url()}${this.#path}?${selection}`, { method: "DELETE" })
    if (!response.ok) throw new Error(`purge: ${response.status} ${await response.text()}`)
  }
}

function idOf({ event }: Letter): string | null {
  const id: unknown = typeof event === "object" && event !== null && "id" in event ? event.id : null
  return typeof id === "string" ? id : null
}

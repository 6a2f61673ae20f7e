const PATH = "/api/v1/dead-letters/custom_events"
const LIMIT = 1_000

/** As many ids as fit into a URL. */
const PER_PURGE = 100

/** The dead letters of the run, read and purged bit by bit: there are more than one look shows. */
export class DeadLetters {
  readonly ids = new Set<string>()
  readonly byReason = new Map<string, number>()
  readonly #url: () => string

  constructor(url: () => string) {
    this.#url = url
  }

  /** Takes in all that are there. */
  async collect(): Promise<void> {
    while (true) {
      const response = await fetch(`${this.#url()}${PATH}?limit=${LIMIT}`)
      if (!response.ok) throw new Error(`dead letters: ${response.status} ${await response.text()}`)
      const { dead_letters: letters } = (await response.json()) as {
        readonly dead_letters: readonly { readonly reason: string; readonly event: { readonly id: string } }[]
      }
      for (const { reason, event } of letters) {
        if (!this.ids.has(event.id)) this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1)
        this.ids.add(event.id)
      }
      if (letters.length === 0) return
      await this.#purge([...new Set(letters.map(({ event }) => event.id))])
    }
  }

  async #purge(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += PER_PURGE) {
      const some = ids.slice(from, from + PER_PURGE).join(",")
      const response = await fetch(`${this.#url()}${PATH}?ids=${some}`, { method: "DELETE" })
      if (!response.ok) throw new Error(`purge: ${response.status} ${await response.text()}`)
    }
  }
}

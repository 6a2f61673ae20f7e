import type { RunningService } from "./running-service.ts"

/** An event of the history, as a list shows it. */
export interface ListedEvent {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly published_at: number | null
  readonly queues: readonly {
    readonly queue: string
    readonly state: string
    readonly attempts: number
    readonly reason: string | null
  }[]
}

/** Lists every event that the history has and that the query selects. */
export async function wholeHistory(service: RunningService, query = ""): Promise<readonly ListedEvent[]> {
  const events: ListedEvent[] = []
  let cursor: string | null = ""
  while (cursor !== null) {
    const continued: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`
    const { status, body } = await service.get(`/api/v1/events?limit=1000${query}${continued}`)
    if (status !== 200) throw new Error(`the history answered ${status}: ${JSON.stringify(body)}`)
    const page = body as { readonly events: readonly ListedEvent[]; readonly cursor: string | null }
    events.push(...page.events)
    cursor = page.cursor
  }
  return events
}

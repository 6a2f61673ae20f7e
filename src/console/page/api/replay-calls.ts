import type { EventQuery, Replay } from "./answers.ts"
import { call } from "./client.ts"

/** Fields of a replay that are lists; in a search each is one text, its values separated by commas. */
const LISTS: Readonly<Record<string, string>> = {
  type: "types",
  name: "names",
  queue: "queues",
  state: "states",
}

/** Returns the selection of a replay for a search of the history; all of the history for an empty one. */
function selectionOf(query: EventQuery): Readonly<Record<string, unknown>> {
  const fields = Object.entries(query).map(([name, value]) => {
    const list = LISTS[name]
    return list === undefined ? [name, value] : [list, String(value).split(",")]
  })
  return fields.length === 0 ? { all: true } : Object.fromEntries(fields)
}

export async function countReplay(queue: string, query: EventQuery, signal: AbortSignal): Promise<number> {
  const body = { queue, ...selectionOf(query), dry_run: true }
  const { selected } = await call<{ selected: number }>("api/v1/replays", { method: "POST", body, signal })
  return selected
}

/** @param rate most events per second */
export const startReplay = (queue: string, query: EventQuery, rate: number) =>
  call<Replay>("api/v1/replays", { method: "POST", body: { queue, ...selectionOf(query), rate } })

export async function listReplays(signal: AbortSignal): Promise<readonly Replay[]> {
  return (await call<{ readonly replays: readonly Replay[] }>("api/v1/replays", { signal })).replays
}

export const resumeReplay = (id: string) =>
  call<Replay>(`api/v1/replays/${encodeURIComponent(id)}/resume`, { method: "POST" })

export const showReplay = (id: string, signal: AbortSignal) =>
  call<Replay>(`api/v1/replays/${encodeURIComponent(id)}`, { signal })

export const abortReplay = (id: string) =>
  call<Replay>(`api/v1/replays/${encodeURIComponent(id)}`, { method: "DELETE" })

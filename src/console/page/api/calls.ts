import type {
  DeadLetterPage,
  EventHistory,
  EventList,
  EventQuery,
  EventSchemas,
  ModuleSet,
  Receipt,
  RunningModules,
  Verdict,
} from "./answers.ts"
import { call, callText } from "./client.ts"
import { Problem } from "./problem.ts"

const encode = encodeURIComponent

export const pauseQueue = (queue: string) =>
  call<unknown>(`api/v1/events/queues/${encode(queue)}/pause`, { method: "POST" })

export const resumeQueue = (queue: string) =>
  call<unknown>(`api/v1/events/queues/${encode(queue)}/resume`, { method: "POST" })

export const purgeQueue = (queue: string, dryRun: boolean) =>
  call<{ readonly purged: number }>(`api/v1/queues/${encode(queue)}/purge`, {
    method: "POST",
    query: { dry_run: dryRun },
  })

/** @param force also delete a queue that holds something; without it the service refuses that */
export const deleteQueue = (queue: string, force: boolean) =>
  call<{ readonly events: number; readonly dead_letters: number }>(`api/v1/queues/${encode(queue)}`, {
    method: "DELETE",
    query: { force },
  })

/** Parameters that take several values, which a search separates by commas. */
const LISTS = ["type", "name", "queue", "state"]

export const listEvents = (query: EventQuery, signal?: AbortSignal) =>
  call<EventList>("api/v1/events", { query: withLists(query), ...(signal && { signal }) })

const withLists = (query: EventQuery) =>
  Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      typeof value === "string" && LISTS.includes(name) ? value.split(",") : value,
    ]),
  )

/** How often, and after how many milliseconds, the history is asked again: it may learn of an event a moment after its 201. */
const RETRIES = 3
const RETRY_MS = 400

/** A browser takes these for steps of a path. */
const PATH_STEPS = [".", ".."]

const SLASH_ADVICE =
  "A proxy before the service has to pass on %2F in a path as it is, as examples/nginx.conf does."

export async function showEvent(id: string, signal: AbortSignal): Promise<EventHistory> {
  if (PATH_STEPS.includes(id)) {
    throw new Problem(404, "not-found", `No address can hold the id "${id}", so this event can't be shown.`)
  }
  for (let retry = 0; ; retry++) {
    try {
      return await call<EventHistory>(`api/v1/events/${encode(id)}`, { isExact: true, signal })
    } catch (error) {
      const isMissing = error instanceof Problem && error.status === 404
      if (isMissing && retry === RETRIES && id.includes("/")) {
        throw new Problem(error.status, error.slug, `${error.message} ${SLASH_ADVICE}`)
      }
      if (!isMissing || retry === RETRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

/** @param payload JSON, as it was typed: nothing of it changes on the way */
export const publish = (draft: object, payload: string) =>
  call<Receipt>("api/v1/events", { method: "POST", text: withPayload(draft, payload) })

/** Writes an object with a payload whose JSON stays as it was typed. */
const withPayload = (members: object, payload: string): string =>
  `${JSON.stringify(members).slice(0, -1)},"payload":${payload}}`

/** Selects dead letters. All that is given must match. */
export interface Selection {
  readonly ids?: readonly string[]
  readonly reason?: string
  readonly name?: string
  /** Part of the error, and all of it. */
  readonly error?: string
  readonly whole_error?: string
  /** When they failed last, in seconds since the epoch; `until` is excluded. */
  readonly since?: number
  readonly until?: number
}

interface Look extends Selection {
  readonly limit?: number
  readonly cursor?: string | null
}

export const listDeadLetters = (queue: string, look: Look, signal: AbortSignal, isExact = false) =>
  call<DeadLetterPage>(`api/v1/dead-letters/${encode(queue)}`, { query: { ...look }, signal, isExact })

export interface Changed {
  readonly changed: number
  readonly remaining: number
  /** In a dry run, when the service began to count. */
  readonly at?: number
}

interface Change {
  readonly limit?: number
  readonly isDryRun: boolean
  readonly signal?: AbortSignal
}

/** `all` is required if nothing else selects, so that no bulk operation happens by mistake. */
const isAll = (selection: Selection, limit: number | undefined): boolean =>
  limit === undefined && Object.keys(selection).length === 0

export async function redriveDeadLetters(
  queue: string,
  selection: Selection,
  change: Change,
): Promise<Changed> {
  const { redriven, ...rest } = await changeLetters<{ redriven: number }>(queue, "redrive", selection, change)
  return { changed: redriven, ...rest }
}

export async function purgeDeadLetters(
  queue: string,
  selection: Selection,
  change: Change,
): Promise<Changed> {
  const { purged, ...rest } = await changeLetters<{ purged: number }>(queue, "purge", selection, change)
  return { changed: purged, ...rest }
}

const changeLetters = <Answer>(
  queue: string,
  change: "redrive" | "purge",
  selection: Selection,
  { limit, isDryRun, signal }: Change,
) =>
  call<Answer & Omit<Changed, "changed">>(`api/v1/dead-letters/${encode(queue)}/${change}`, {
    method: "POST",
    ...(signal && { signal }),
    body: {
      ...selection,
      ...(limit !== undefined && { limit }),
      all: isAll(selection, limit),
      dry_run: isDryRun,
    },
  })

/** @param payload JSON, as it was typed: nothing of it changes on the way */
export const redriveEdited = (
  queue: string,
  edit: { readonly id: string; readonly last_failed_at?: number },
  payload: string,
) =>
  call<{ readonly is_repetition: boolean }>(`api/v1/dead-letters/${encode(queue)}/redrive-edited`, {
    method: "POST",
    text: withPayload(edit, payload),
  })

export const reloadModules = () =>
  call<ModuleSet & { readonly is_changed: boolean }>("api/v1/modules/reload", { method: "POST" })

export const showModules = (signal: AbortSignal) => call<RunningModules>("api/v1/modules", { signal })

export const readMetrics = (signal: AbortSignal) => callText("metrics", { signal })

export const listSchemas = (signal: AbortSignal) =>
  call<readonly EventSchemas[]>("api/v1/schemas", { signal })

export const showSchema = (type: string, name: string, version: number, signal: AbortSignal) =>
  call<unknown>(`api/v1/schemas/${encode(type)}/${encode(name)}`, {
    query: { version },
    signal,
    isExact: true,
  })

export const validatePayload = (type: string, name: string, version: number, payload: unknown) =>
  call<Verdict>(`api/v1/schemas/${encode(type)}/${encode(name)}/validate`, {
    method: "POST",
    body: { payload, schema_version: version },
  })

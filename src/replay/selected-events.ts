import type { RoutingSpace } from "../event/routing-space.ts"
import { TopicTree } from "../event/topic-tree.ts"
import { decodeEvent } from "../event/validate.ts"
import type { EventFilter, EventHistory, Page, SelectedEvent } from "../history/history-query.ts"
import type { ReplayPlace, ReplaySelection } from "./replay.ts"

/** Events of one page. */
const PAGE_SIZE = 200

/** The part of the history that replays read. */
export interface ReplaySource {
  select(filter: EventFilter, limit: number, cursor?: string): Promise<Page<SelectedEvent>>
  lookup(id: string, within: RoutingSpace | null): Promise<EventHistory | null>
}

/** A page of selected events. */
export interface SelectedPage {
  readonly events: readonly SelectedEvent[]
  /** Number of selected ids of the page without an event. */
  readonly missing: number
  /** Cursor of the page, and of the next one; null if there is none. */
  readonly cursor: string | null
  readonly next: string | null
}

/** Yields the selected events page by page, from a place on, of which only the page matters. */
export async function* selectedPages(
  source: ReplaySource,
  selection: ReplaySelection,
  from: ReplayPlace,
): AsyncGenerator<SelectedPage, void> {
  const isSelected = topicMatcher(selection)
  let { cursor } = from
  do {
    const page = await readPage(source, selection, cursor, isSelected)
    yield page
    cursor = page.next
  } while (cursor !== null)
}

async function readPage(
  source: ReplaySource,
  selection: ReplaySelection,
  cursor: string | null,
  isSelected: (event: SelectedEvent) => boolean,
): Promise<SelectedPage> {
  if (selection.kind === "ids") return readIds(source, selection, cursor)
  const page = await source.select(selection.filter, PAGE_SIZE, cursor ?? undefined)
  return { events: page.items.filter(isSelected), missing: 0, cursor, next: page.cursor }
}

function topicMatcher(selection: ReplaySelection): (event: SelectedEvent) => boolean {
  if (selection.kind === "ids" || selection.topics === null) return () => true
  const topics = new TopicTree<true>()
  for (const pattern of selection.topics) topics.add(pattern, true)
  return ({ body }) => topics.match(decodeEvent(body).routing_key).length > 0
}

async function readIds(
  source: ReplaySource,
  { ids, within }: Extract<ReplaySelection, { kind: "ids" }>,
  cursor: string | null,
): Promise<SelectedPage> {
  const begin = Number(cursor ?? 0)
  const asked = ids.slice(begin, begin + PAGE_SIZE)
  const found = await Promise.all(asked.map((id) => source.lookup(id, within)))
  const events = found.flatMap((event) => (event?.body ? [{ id: event.id, body: event.body }] : []))
  const end = begin + asked.length
  return {
    events,
    missing: asked.length - events.length,
    cursor,
    next: end < ids.length ? String(end) : null,
  }
}

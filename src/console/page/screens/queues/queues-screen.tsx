import { useMemo } from "preact/hooks"
import type { Queue } from "../../api/answers.ts"
import { counted, whole } from "../../format/numbers.ts"
import { PAGE_SIZE, Pages } from "../../parts/pages.tsx"
import { Empty, Loading } from "../../parts/states.tsx"
import { replaceQuery } from "../../routing.ts"
import { overview } from "../../state/overview.ts"
import { useStore } from "../../state/store.ts"
import { CONCERNS, concernsOf, urgencyOf } from "./attention.ts"
import { QueueTable } from "./queue-table.tsx"

const SORTS = {
  attention: { name: "Attention", by: urgencyOf },
  waiting: { name: "Waiting", by: (queue: Queue) => queue.waiting },
  dead: { name: "Dead letters", by: (queue: Queue) => queue.dead_letters },
  name: { name: "Name", by: () => 0 },
} as const

type Sort = keyof typeof SORTS

const sortOf = (text: string | null): Sort =>
  text !== null && Object.hasOwn(SORTS, text) ? (text as Sort) : "attention"

export function QueuesScreen({ query }: { query: URLSearchParams }) {
  const { snapshot } = useStore(overview)
  const filter = query.get("filter") ?? ""
  const sort = sortOf(query.get("sort"))
  const only = query.get("only") ?? ""
  const page = Number(query.get("page") ?? 0)
  const queues = useMemo(
    () => select(snapshot?.queues ?? [], filter, only, sort),
    [snapshot, filter, only, sort],
  )
  return (
    <>
      <div class="heading">
        <h1>Queues</h1>
        {snapshot !== null && (
          <span class="muted">
            {queues.length < snapshot.queues.length && `${whole(queues.length)} of `}
            {counted(snapshot.queues.length, "queue")}
          </span>
        )}
        <div class="actions">
          <input
            type="search"
            aria-label="Filter by name"
            placeholder="Filter by name"
            data-search
            value={filter}
            onInput={(event) => replaceQuery({ filter: event.currentTarget.value, page: "" })}
          />
          <select
            aria-label="Show"
            value={only}
            onChange={(event) => replaceQuery({ only: event.currentTarget.value, page: "" })}
          >
            <option value="">All queues</option>
            {Object.entries({ ...CONCERNS, dead: "With dead letters" }).map(([id, name]) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
          <select
            aria-label="Sort by"
            value={sort}
            onChange={(event) => replaceQuery({ sort: event.currentTarget.value, page: "" })}
          >
            {Object.entries(SORTS).map(([id, { name }]) => (
              <option key={id} value={id}>
                {`By ${name.toLowerCase()}`}
              </option>
            ))}
          </select>
        </div>
      </div>
      {snapshot?.is_complete === false && (
        <p class="note">Queues that only other instances declared may be missing.</p>
      )}
      {snapshot === null ? (
        <Loading what="the queues" />
      ) : queues.length === 0 ? (
        <Empty title="No queue matches.">
          {filter === "" ? "No queue is in this state." : `No name of such a queue contains “${filter}”.`}
        </Empty>
      ) : (
        <QueueTable queues={queues.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)} />
      )}
      <Pages
        page={page}
        count={queues.length}
        noun="queue"
        onPage={(next) => replaceQuery({ page: next === 0 ? "" : String(next) })}
      />
    </>
  )
}

/** @param only kind of a concern, or `dead`; empty for all queues */
function select(queues: readonly Queue[], filter: string, only: string, sort: Sort): readonly Queue[] {
  const { by } = SORTS[sort]
  const isWanted = (queue: Queue): boolean =>
    only === "" ||
    (only === "dead" ? queue.dead_letters > 0 : concernsOf(queue).some(({ kind }) => kind === only))
  return queues
    .filter((queue) => queue.name.includes(filter) && isWanted(queue))
    .map((queue) => ({ queue, weight: by(queue) }))
    .toSorted((a, b) => b.weight - a.weight || (a.queue.name < b.queue.name ? -1 : 1))
    .map(({ queue }) => queue)
}

import { useState } from "preact/hooks"
import type { Queue } from "../../api/answers.ts"
import { whole } from "../../format/numbers.ts"
import { PAGE_SIZE, Pages } from "../../parts/pages.tsx"
import { Empty, Loading } from "../../parts/states.tsx"
import { type Column, Table } from "../../parts/table.tsx"
import { hrefOf } from "../../routing.ts"
import { overview } from "../../state/overview.ts"
import { useStore } from "../../state/store.ts"

const COLUMNS: readonly Column<Queue>[] = [
  {
    name: "Queue",
    kind: "title",
    cell: ({ name }) => (
      <a class="mono" data-row href={hrefOf(["dead-letters", name])}>
        {name}
      </a>
    ),
  },
  { name: "Dead letters", kind: "number", cell: ({ dead_letters: dead }) => whole(dead) },
  { name: "Waiting", kind: "number", cell: ({ waiting }) => whole(waiting) },
]

/** The queues that have dead letters, those with the most first. */
export function DeadLetterQueues() {
  const { snapshot } = useStore(overview)
  const [page, setPage] = useState(0)
  const queues = (snapshot?.queues ?? [])
    .filter(({ dead_letters: dead }) => dead > 0)
    .toSorted((a, b) => b.dead_letters - a.dead_letters)
  return (
    <>
      <div class="heading">
        <h1>Dead letters</h1>
      </div>
      {snapshot === null ? (
        <Loading what="the queues" />
      ) : queues.length === 0 ? (
        <Empty title="There are no dead letters.">
          An event becomes one when its last attempt fails, or when it can't be handled at all.
        </Empty>
      ) : (
        <Table
          items={queues.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)}
          keyOf={({ name }) => name}
          columns={COLUMNS}
        />
      )}
      <Pages page={page} count={queues.length} noun="queue" onPage={setPage} />
    </>
  )
}

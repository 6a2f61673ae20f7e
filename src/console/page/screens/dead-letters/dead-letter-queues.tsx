import { useState } from "preact/hooks"
import type { Queue } from "../../api/answers.ts"
import { whole } from "../../format/numbers.ts"
import { PAGE_SIZE, Pages } from "../../parts/pages.tsx"
import { type Column, Table } from "../../parts/table.tsx"
import { hrefOf } from "../../routing.ts"

export interface DeadLetterQueuesProps {
  /** Those that have dead letters, the ones with the most first. */
  readonly queues: readonly Queue[]
  /** The filter of the screen, which the screen of a queue keeps. */
  readonly query: URLSearchParams
}

/** Which queues have dead letters, whatever the filter shows. */
export function DeadLetterQueues({ queues, query }: DeadLetterQueuesProps) {
  const [page, setPage] = useState(0)
  const columns: readonly Column<Queue>[] = [
    {
      name: "Queue",
      kind: "title",
      cell: ({ name }) => (
        <a class="mono" data-row href={hrefOf(["dead-letters", name], Object.fromEntries(query))}>
          {name}
        </a>
      ),
    },
    { name: "Dead letters", kind: "number", cell: ({ dead_letters: dead }) => whole(dead) },
    { name: "Waiting", kind: "number", cell: ({ waiting }) => whole(waiting) },
  ]
  return (
    <section class="panel" aria-labelledby="by-queue">
      <h2 id="by-queue">By queue</h2>
      <Table
        items={queues.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)}
        keyOf={({ name }) => name}
        columns={columns}
      />
      <Pages page={page} count={queues.length} noun="queue" onPage={setPage} />
    </section>
  )
}

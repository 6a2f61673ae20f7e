import type { Queue } from "../../api/answers.ts"
import { whole } from "../../format/numbers.ts"
import { Badge } from "../../parts/badge.tsx"
import { Sparkline } from "../../parts/sparkline.tsx"
import { type Column, Table } from "../../parts/table.tsx"
import { hrefOf } from "../../routing.ts"
import { trendOf } from "../../state/overview.ts"
import { mayDo } from "../../state/session.ts"
import { concernsOf } from "./attention.ts"
import { QueueActions } from "./queue-actions.tsx"
import { ageOf } from "./queue-age.ts"

const COLUMNS: readonly Column<Queue>[] = [
  { name: "Queue", kind: "title", cell: (queue) => <Name queue={queue} /> },
  { name: "Waiting", kind: "number", cell: ({ waiting }) => whole(waiting) },
  { name: "Running", kind: "number", cell: ({ running }) => whole(running) },
  { name: "Retrying", kind: "number", cell: ({ retrying }) => count(retrying) },
  { name: "Dead", kind: "number", cell: (queue) => <DeadLetters queue={queue} /> },
  { name: "Oldest", kind: "number", cell: ageOf },
  { name: "Consumers", kind: "number", cell: ({ consumers }) => whole(consumers) },
  { name: "Trend", kind: "trend", cell: ({ name }) => <Sparkline values={trendOf(name)} /> },
]

const WITH_ACTIONS: readonly Column<Queue>[] = [
  ...COLUMNS,
  { name: "Actions", kind: "actions", cell: (queue) => <QueueActions queue={queue} /> },
]

export const QueueTable = ({ queues }: { queues: readonly Queue[] }) => (
  <Table items={queues} keyOf={({ name }) => name} columns={mayDo("admin") ? WITH_ACTIONS : COLUMNS} />
)

const Name = ({ queue }: { queue: Queue }) => (
  <>
    <a class="mono" data-row href={hrefOf(["queues", queue.name])}>
      {queue.name}
    </a>
    {concernsOf(queue).map(({ badge, tone, meaning }) => (
      <span key={badge} title={meaning}>
        <Badge tone={tone}>{badge}</Badge>
      </span>
    ))}
  </>
)

const DeadLetters = ({ queue: { name, dead_letters: dead } }: { queue: Queue }) =>
  dead === 0 ? (
    <>0</>
  ) : (
    <a class="bad" href={hrefOf(["dead-letters", name])}>
      {whole(dead)}
    </a>
  )

const count = (value: number | null | undefined) =>
  value === null || value === undefined ? <span class="muted">–</span> : whole(value)

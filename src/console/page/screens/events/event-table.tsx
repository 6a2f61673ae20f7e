import type { EventSummary } from "../../api/answers.ts"
import { whole } from "../../format/numbers.ts"
import { type Column, Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import { EventState, isBad } from "./event-state.tsx"

export interface EventTableProps {
  readonly events: readonly EventSummary[]
  /** Shows the events as they are on this queue. Default: on all of them. */
  readonly queue?: string
}

export const EventTable = ({ events, queue }: EventTableProps) => (
  <Table
    items={events}
    keyOf={({ id, published_at: at }) => `${id} ${at}`}
    columns={queue === undefined ? ON_ALL : onQueue(queue)}
  />
)

const NAME: Column<EventSummary> = {
  name: "Event",
  kind: "title",
  cell: ({ id, type, name }) => (
    <>
      <a class="mono" data-row href={hrefOf(["events", id])}>
        {type === null ? id : `${type}.${name}`}
      </a>
      <span class="id">{id}</span>
    </>
  ),
}

const PUBLISHED: Column<EventSummary> = {
  name: "Published",
  cell: ({ published_at: at }) => <Time at={at} />,
}

const attemptsOf = (queues: EventSummary["queues"]): string =>
  whole(queues.reduce((sum, { attempts }) => sum + attempts, 0))

const ON_ALL: readonly Column<EventSummary>[] = [
  NAME,
  PUBLISHED,
  { name: "Status", cell: ({ status }) => <EventState state={status} /> },
  {
    name: "Queues",
    cell: ({ queues }) =>
      queues.map((each) => (
        <span class="delivery" key={each.queue}>
          <span class="mono">{each.queue}</span>{" "}
          <span class={isBad(each.state) ? "bad" : undefined}>{each.state}</span>
        </span>
      )),
  },
  { name: "Attempts", kind: "number", cell: ({ queues }) => attemptsOf(queues) },
]

const onQueue = (queue: string): readonly Column<EventSummary>[] => {
  const on = ({ queues }: EventSummary) => queues.filter((each) => each.queue === queue)
  return [
    NAME,
    PUBLISHED,
    { name: "State", cell: (event) => <EventState state={on(event)[0]?.state ?? event.status} /> },
    { name: "Reason", cell: (event) => <span class="muted">{on(event)[0]?.reason ?? "–"}</span> },
    { name: "Attempts", kind: "number", cell: (event) => attemptsOf(on(event)) },
  ]
}

import { useEffect, useState } from "preact/hooks"
import type { StoredEvent } from "../../api/answers.ts"
import { counted, whole } from "../../format/numbers.ts"
import { Badge } from "../../parts/badge.tsx"
import { Button } from "../../parts/button.tsx"
import { Empty } from "../../parts/states.tsx"
import { type Column, Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import {
  clearLiveEvents,
  followLiveEvents,
  type LiveState,
  liveEvents,
  pauseLiveEvents,
} from "../../state/live-events.ts"
import { hasHistory } from "../../state/session.ts"
import { useStore } from "../../state/store.ts"

/** Rows of the list. More would make each frame longer, and nobody reads them while they move. */
const MAX_ROWS = 100

/** Longest beginning of a payload that a row shows. */
const MAX_PAYLOAD = 160

export function Live() {
  const live = useStore(liveEvents)
  const [filter, setFilter] = useState("")
  useEffect(followLiveEvents, [])
  const events = live.events.filter((event) => matches(event, filter)).slice(0, MAX_ROWS)
  return (
    <>
      <div class="toolbar">
        <Button isPressed={live.isPaused} onClick={() => pauseLiveEvents(!live.isPaused)}>
          <span data-pause>{live.isPaused ? "Continue" : "Pause"}</span>
        </Button>
        <input
          type="search"
          aria-label="Filter by type, name, id or text"
          placeholder="Filter by type, name, id or text"
          data-search
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <Reception live={live} />
        {live.events.length > 0 && (
          <Button kind="quiet" onClick={clearLiveEvents}>
            Clear
          </Button>
        )}
      </div>
      {events.length === 0 ? <Nothing live={live} filter={filter} /> : <LiveTable events={events} />}
    </>
  )
}

/** How the stream is: whether it flows, and what is not in the list. */
function Reception({ live }: { live: LiveState }) {
  return (
    <p class="reception" role="status">
      {live.connection === "open" && !live.isPaused && <Badge tone="good">live</Badge>}
      {live.connection === "open" && live.isPaused && <Badge tone="warning">paused</Badge>}
      {live.connection === "connecting" && <Badge>connecting</Badge>}
      {live.connection === "lost" && <Badge tone="bad">not connected</Badge>}
      <span class="muted numeric">{counted(live.count, "event")}</span>
      {live.held > 0 && <span class="numeric">{whole(live.held)} held until you continue</span>}
      {live.missed > 0 && <span class="bad numeric">{whole(live.missed)} missed</span>}
      {live.hasGap && <span class="muted">gaps: the stream was not open all the time</span>}
      {live.fault !== null && <span class="bad">{live.fault}</span>}
    </p>
  )
}

function Nothing({ live, filter }: { live: LiveState; filter: string }) {
  if (filter !== "" && live.events.length > 0) return <Empty title="No event matches the filter." />
  return (
    <Empty title={live.connection === "open" ? "No event was published since you came." : "Connecting …"}>
      Events appear here when they are stored. Retries and redrives do not.{" "}
      {hasHistory() && (
        <a href={hrefOf(["events"], { view: "history" })}>Earlier events are in the history.</a>
      )}
    </Empty>
  )
}

const COLUMNS: readonly Column<StoredEvent>[] = [
  {
    name: "Event",
    kind: "title",
    cell: ({ id, type, name }) => (
      <a class="mono" data-row href={hrefOf(["events", id])}>
        {type}.{name}
      </a>
    ),
  },
  { name: "Stored", cell: ({ timestamp }) => <Time at={timestamp} /> },
  {
    name: "Payload",
    kind: "payload",
    cell: ({ payload }) => <span class="mono">{JSON.stringify(payload).slice(0, MAX_PAYLOAD)}</span>,
  },
]

const LiveTable = ({ events }: { events: readonly StoredEvent[] }) => (
  <Table items={events} keyOf={({ id, timestamp }) => `${id} ${timestamp}`} columns={COLUMNS} look="live" />
)

function matches(event: StoredEvent, filter: string): boolean {
  if (filter === "") return true
  if (event.id.includes(filter)) return true
  return `${event.type}.${event.name}`.includes(filter) || JSON.stringify(event.payload).includes(filter)
}

import { counted, whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import type { QueueProgress } from "./bulk-change.ts"
import type { ChangeKind } from "./bulk-count.ts"

/** Queues that are shown. Those with a fault come first, then the ones that are not done. */
const MAX_ROWS = 50

export interface BulkProgressProps {
  readonly kind: ChangeKind
  readonly rows: readonly QueueProgress[]
  readonly isRunning: boolean
  readonly onStop: () => void
  readonly onClose: () => void
}

const sumOf = (rows: readonly QueueProgress[]) => ({
  count: rows.reduce((sum, row) => sum + row.count, 0),
  changed: rows.reduce((sum, row) => sum + row.changed, 0),
})

/** Says in a sentence how far a change is. */
export function sayProgress(kind: ChangeKind, rows: readonly QueueProgress[]): string {
  const { count, changed } = sumOf(rows)
  const finished = rows.filter(({ state }) => state === "done").length
  const letters = `${whole(changed)} of ${counted(count, "dead letter")} ${kind === "redrive" ? "moved back" : "deleted"}`
  return rows.length === 1
    ? `${letters}.`
    : `${letters}, ${whole(finished)} of ${counted(rows.length, "queue")} done.`
}

/** Shows how far a change is in each queue, and in the end what became of it. */
export function BulkProgress({ kind, rows, isRunning, onStop, onClose }: BulkProgressProps) {
  const { count, changed } = sumOf(rows)
  const [only] = rows
  const isOne = rows.length === 1
  return (
    <>
      <progress
        class="progress"
        max={count}
        value={changed}
        aria-label={kind === "redrive" ? "Redriven" : "Deleted"}
      />
      <p class="numeric" role="status">
        {sayProgress(kind, rows)} {isOne && !isRunning && only?.reason}
      </p>
      {!isOne && <Rows rows={rows} />}
      {isRunning && <p class="muted">It runs in this page: leave the page open until it is done.</p>}
      <div class="actions end">
        {isRunning ? (
          <Button onClick={onStop}>Stop</Button>
        ) : (
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        )}
      </div>
    </>
  )
}

const ORDER: Readonly<Record<QueueProgress["state"], number>> = {
  running: 0,
  stopped: 1,
  waiting: 2,
  done: 3,
}

const Rows = ({ rows }: { rows: readonly QueueProgress[] }) => (
  <ul class="queue-counts">
    {rows
      .toSorted((a, b) => ORDER[a.state] - ORDER[b.state])
      .slice(0, MAX_ROWS)
      .map(({ queue, count, changed, state, reason }) => (
        <li key={queue} class={state === "stopped" ? "bad" : undefined}>
          <span class="mono">{queue}</span>
          <span class="numeric">
            {whole(changed)} of {whole(count)}
            {state === "done" && " ✓"}
          </span>
          {reason !== null && <span class="reason">{reason}</span>}
        </li>
      ))}
    {rows.length > MAX_ROWS && (
      <li class="muted">
        <span>{counted(rows.length - MAX_ROWS, "more queue")}</span>
      </li>
    )}
  </ul>
)

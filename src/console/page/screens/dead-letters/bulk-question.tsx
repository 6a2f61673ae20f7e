import { useState } from "preact/hooks"
import { counted as countedText, whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { DialogForm } from "../../parts/dialog-form.tsx"
import { Time } from "../../parts/time.tsx"
import { type ChangeKind, type Counted, type Counts, totalOf } from "./bulk-count.ts"
import { QueueFaults } from "./queue-faults.tsx"

/** Dead letters in a second; 0 for as many as the service takes. */
const RATES = [0, 10, 100, 1_000]

/** Queues that are named; the others are counted. */
const MAX_NAMED = 8

export interface BulkQuestionProps {
  readonly kind: ChangeKind
  readonly what: string
  /** The queue, if there is just one. */
  readonly onlyQueue: string | undefined
  readonly counts: Counts
  readonly onCountAgain: () => void
  readonly onRun: (counted: readonly Counted[], perSecond: number | null) => void
  readonly onClose: () => void
}

/** Says how many dead letters of which queues would be changed, and asks. */
export function BulkQuestion({
  kind,
  what,
  onlyQueue,
  counts,
  onCountAgain,
  onRun,
  onClose,
}: BulkQuestionProps) {
  const [rate, setRate] = useState(0)
  const { counted, faults, isComplete } = counts
  const total = totalOf(counted)
  const action = kind === "redrive" ? "Redrive" : "Delete"
  return (
    <DialogForm
      action={isComplete ? `${action} ${whole(total)}` : action}
      isDanger={kind === "purge"}
      isReady={isComplete && total > 0}
      typed={kind === "purge" ? (onlyQueue ?? `delete ${total}`) : undefined}
      onSubmit={() => onRun(counted, rate === 0 ? null : rate)}
      onClose={onClose}
    >
      <div class="prose" role="status">
        {isComplete ? (
          <Effect kind={kind} what={what} counts={counts} isOneQueue={onlyQueue !== undefined} />
        ) : (
          <p>{onlyQueue === undefined ? `Counting … ${countingIn(counts)}` : "Counting …"}</p>
        )}
      </div>
      {isComplete && onlyQueue === undefined && <QueueCounts counted={counted} />}
      <QueueFaults
        title={
          onlyQueue === undefined ? `Left out, because ${verb(faults.length)} not counted:` : "Not counted:"
        }
        faults={faults}
      />
      {isComplete && (
        <p class="muted small">
          Counted <Time at={earliest(counted)} />. What fails from then on stays.{" "}
          <Button kind="quiet" onClick={onCountAgain}>
            Count again
          </Button>
        </p>
      )}
      <label class="field">
        <span>Rate{onlyQueue === undefined && ", over all queues"}</span>
        <select value={String(rate)} onChange={(event) => setRate(Number(event.currentTarget.value))}>
          {RATES.map((each) => (
            <option key={each} value={String(each)}>
              {each === 0 ? "as fast as the service takes them" : `${whole(each)} per second`}
            </option>
          ))}
        </select>
      </label>
    </DialogForm>
  )
}

const verb = (count: number): string => (count === 1 ? "it was" : "they were")

const countingIn = ({ of, counted, faults }: Counts): string =>
  `${whole(totalOf(counted))} in ${countedText(counted.length, "queue")} so far, of ${countedText(of, "queue")}` +
  (faults.length > 0 ? `, ${whole(faults.length)} not counted` : "")

/** The time from which on nothing is changed in any of the queues; null if nothing was counted. */
const earliest = (counted: readonly Counted[]): number | null =>
  counted.length === 0 ? null : Math.min(...counted.map(({ at }) => at))

interface EffectProps {
  readonly kind: ChangeKind
  readonly what: string
  readonly counts: Counts
  readonly isOneQueue: boolean
}

function Effect({ kind, what, counts: { counted }, isOneQueue }: EffectProps) {
  const which = (
    <>
      <strong>{countedText(totalOf(counted), "dead letter")}</strong>
      {!isOneQueue && ` in ${countedText(counted.length, "queue")}`}
      {what !== "" && `, ${what},`}
    </>
  )
  return kind === "redrive" ? (
    <p>
      This moves {which} back to {isOneQueue ? "the queue" : "the queue that each comes from"}, the oldest
      first. Their attempts count from the start again.
    </p>
  ) : (
    <p>This deletes {which} for good.</p>
  )
}

const QueueCounts = ({ counted }: { counted: readonly Counted[] }) => (
  <ul class="queue-counts">
    {counted.slice(0, MAX_NAMED).map(({ queue, count }) => (
      <li key={queue}>
        <span class="mono">{queue}</span>
        <span class="numeric">{whole(count)}</span>
      </li>
    ))}
    {counted.length > MAX_NAMED && (
      <li class="muted">
        <span>{countedText(counted.length - MAX_NAMED, "more queue")}</span>
        <span class="numeric">{whole(totalOf(counted.slice(MAX_NAMED)))}</span>
      </li>
    )}
  </ul>
)

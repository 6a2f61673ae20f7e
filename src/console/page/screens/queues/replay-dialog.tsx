import { useEffect, useState } from "preact/hooks"
import type { Replay } from "../../api/answers.ts"
import { sayError } from "../../api/problem.ts"
import { abortReplay, countReplay, showReplay, startReplay } from "../../api/replay-calls.ts"
import { counted, whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Dialog } from "../../parts/dialog.tsx"
import { DialogForm } from "../../parts/dialog-form.tsx"
import { now } from "../../state/clock.ts"
import { refreshSoon } from "../../state/overview.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { parseSearch } from "../events/search.ts"

/** Most events in a second. */
const RATES = [10, 100, 1_000, 10_000]
const DEFAULT_RATE = 100

/** How often the progress is read, in milliseconds. */
const PROGRESS_MS = 500

/** Delivers past events again, to one queue: a search selects them, and a count comes first. */
export function ReplayDialog({ queue, onClose }: { queue: string; onClose: () => void }) {
  const [replay, setReplay] = useState<Replay | null>(null)
  return (
    <Dialog title={`Replay into ${queue}`} onClose={onClose}>
      {replay === null ? (
        <Question queue={queue} onStarted={setReplay} onClose={onClose} />
      ) : (
        <Progress replay={replay} onProgress={setReplay} onClose={onClose} />
      )}
    </Dialog>
  )
}

interface QuestionProps {
  readonly queue: string
  readonly onStarted: (replay: Replay) => void
  readonly onClose: () => void
}

/** Parses a search. It ends now, so that no later event is replayed with those that were counted. */
function begun(text: string) {
  const at = now()
  const { query, fault } = parseSearch(text, at)
  return { text, query: { until: at.toFixed(3), ...query }, fault }
}

function Question({ queue, onStarted, onClose }: QuestionProps) {
  const [text, setText] = useState(`queue:${queue} since:1h`)
  const [asked, setAsked] = useState(() => begun(text))
  const [rate, setRate] = useState(DEFAULT_RATE)
  const isCurrent = asked.text === text
  const ask = asked.fault === null ? (signal: AbortSignal) => countReplay(queue, asked.query, signal) : null
  const { answer: count, fault: countFault } = useAnswer(ask, asked.text)
  const submit = async (): Promise<void> => {
    if (!isCurrent) return setAsked(begun(text))
    onStarted(await startReplay(queue, asked.query, rate))
    refreshSoon()
  }
  const problem = asked.fault ?? countFault
  return (
    <DialogForm
      action={isCurrent ? `Replay ${whole(count ?? 0)}` : "Count"}
      isReady={!isCurrent || (count !== null && count > 0)}
      fault={problem}
      onSubmit={submit}
      onClose={onClose}
    >
      <label class="field">
        <span>Events of the history</span>
        <input
          class="mono"
          value={text}
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="muted small">
          As in the search of the history: type: name: queue: state: key: since: until:
        </span>
      </label>
      <label class="field">
        <span>Rate</span>
        <select value={String(rate)} onChange={(event) => setRate(Number(event.currentTarget.value))}>
          {RATES.map((each) => (
            <option key={each} value={String(each)}>{`${whole(each)} per second`}</option>
          ))}
        </select>
      </label>
      {problem === null && isCurrent && (
        <p class="prose field">
          {count === null ? (
            "Counting …"
          ) : (
            <span>
              This delivers <strong>{counted(count, "event")}</strong> again, to this queue only, the oldest
              first. They keep their ids, and handlers see <code>ctx.replay</code>. An event that fails again
              becomes one more dead letter, beside the one that it may have already.
            </span>
          )}
        </p>
      )}
    </DialogForm>
  )
}

interface ProgressProps {
  readonly replay: Replay
  readonly onProgress: (replay: Replay) => void
  readonly onClose: () => void
}

function Progress({ replay, onProgress, onClose }: ProgressProps) {
  const { id, state, selected, replayed, reason } = replay
  const [stopFault, setStopFault] = useState<string | null>(null)
  const { answer, fault } = useAnswer(
    (signal) => showReplay(id, signal),
    id,
    (latest) => (latest === null || latest.state === "running" ? PROGRESS_MS : undefined),
  )
  useEffect(() => {
    if (answer !== null) onProgress(answer)
  }, [answer, onProgress])
  const stop = (): void =>
    void abortReplay(id).then(onProgress, (error: unknown) => setStopFault(sayError(error)))
  return (
    <>
      <progress class="progress" max={selected} value={replayed} aria-label="Replayed events" />
      <p class="numeric" role="status">
        {whole(replayed)} of {counted(selected, "event")} replayed: {state}. {reason ?? ""}
      </p>
      {(fault ?? stopFault) !== null && (
        <p class="fault" role="alert">
          {fault ?? stopFault}
        </p>
      )}
      {state === "running" && (
        <p class="muted">The replay goes on without this dialog. The screen of the queue shows it.</p>
      )}
      <div class="actions end">
        {state === "running" && <Button onClick={stop}>Stop</Button>}
        <Button kind="primary" onClick={onClose}>
          Close
        </Button>
      </div>
    </>
  )
}

import { useEffect, useRef, useState } from "preact/hooks"
import type { Selection } from "../../api/calls.ts"
import { sayError } from "../../api/problem.ts"
import { counted, whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Dialog } from "../../parts/dialog.tsx"
import { DialogForm } from "../../parts/dialog-form.tsx"
import { refreshSoon } from "../../state/overview.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { type ChangeKind, changeInBatches, countLetters, type Progress } from "./bulk-change.ts"

/** A change of many dead letters that somebody has asked for. */
export interface Asked {
  readonly kind: ChangeKind
  readonly queue: string
  readonly selection: Selection
  /** In words, after "dead letters"; empty for all of them. */
  readonly what: string
}

/** Dead letters in a second; 0 for as many as the service takes. */
const RATES = [0, 10, 100, 1_000]

const WORDS = {
  redrive: { title: "Redrive dead letters", action: "Redrive", done: "moved back" },
  purge: { title: "Purge dead letters", action: "Delete", done: "deleted" },
} as const

type Step =
  | { readonly kind: "asking" }
  | { readonly kind: "running" }
  | { readonly kind: "done"; readonly fault: string | null }

/** Counts first, asks, and shows the progress of what it does. */
export function BulkDialog({ asked, onClose }: { asked: Asked; onClose: (isChanged: boolean) => void }) {
  const { kind, queue, selection } = asked
  const { title } = WORDS[kind]
  const counting = useAnswer(() => countLetters(kind, queue, selection), `${kind} ${queue}`)
  const [step, setStep] = useState<Step>({ kind: "asking" })
  const [progress, setProgress] = useState<Progress>({ changed: 0, stopped: null })
  const ending = useRef(new AbortController())
  useEffect(() => () => ending.current.abort(), [])
  const counted = counting.answer
  const count = counted?.count ?? 0
  const run = async (perSecond: number | null): Promise<void> => {
    if (counted === null) return
    setStep({ kind: "running" })
    try {
      await changeInBatches({ kind, queue, counted, perSecond }, setProgress, ending.current.signal)
      setStep({ kind: "done", fault: null })
    } catch (error) {
      setStep({ kind: "done", fault: sayError(error) })
    }
    refreshSoon()
  }
  return (
    <Dialog
      title={`${title} of ${queue}`}
      onClose={() => step.kind !== "running" && onClose(step.kind === "done")}
    >
      {step.kind === "asking" ? (
        <Question
          asked={asked}
          count={counted?.count ?? null}
          fault={counting.fault}
          onRun={(perSecond) => void run(perSecond)}
          onClose={() => onClose(false)}
        />
      ) : (
        <Running kind={kind} count={count} progress={progress} step={step}>
          {step.kind === "running" ? (
            <Button onClick={() => ending.current.abort()}>Stop</Button>
          ) : (
            <Button kind="primary" onClick={() => onClose(true)}>
              Close
            </Button>
          )}
        </Running>
      )}
    </Dialog>
  )
}

interface QuestionProps {
  readonly asked: Asked
  readonly count: number | null
  readonly fault: string | null
  readonly onRun: (perSecond: number | null) => void
  readonly onClose: () => void
}

function Question({ asked: { kind, queue, what }, count, fault, onRun, onClose }: QuestionProps) {
  const [rate, setRate] = useState(0)
  return (
    <DialogForm
      action={count === null ? WORDS[kind].action : `${WORDS[kind].action} ${whole(count)}`}
      isDanger={kind === "purge"}
      isReady={count !== null && count > 0}
      typed={kind === "purge" ? queue : undefined}
      onSubmit={() => onRun(rate === 0 ? null : rate)}
      onClose={onClose}
    >
      <div class="prose">
        {count === null ? (
          <p>{fault ?? "Counting …"}</p>
        ) : (
          <p>
            {kind === "redrive" ? "This moves " : "This deletes "}
            <strong>{counted(count, "dead letter")}</strong> {what}
            {kind === "redrive"
              ? " back to the queue, the oldest first. Their attempts count from the start again."
              : " for good."}
          </p>
        )}
      </div>
      <label class="field">
        <span>Rate</span>
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

interface RunningProps {
  readonly kind: ChangeKind
  readonly count: number
  readonly progress: Progress
  readonly step: Step
  readonly children: preact.ComponentChildren
}

const Running = ({ kind, count, progress: { changed, stopped }, step, children }: RunningProps) => (
  <>
    <progress class="progress" max={count} value={changed} aria-label={WORDS[kind].title} />
    <p class="numeric" role="status">
      {whole(changed)} of {counted(count, "dead letter")} {WORDS[kind].done}.{" "}
      {step.kind === "done" && (step.fault ?? stopped)}
    </p>
    <div class="actions end">{children}</div>
  </>
)

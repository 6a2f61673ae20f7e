import { useEffect, useRef, useState } from "preact/hooks"
import type { Selection } from "../../api/calls.ts"
import { Dialog } from "../../parts/dialog.tsx"
import { showDialog } from "../../parts/lasting-dialog.tsx"
import { refreshSoon } from "../../state/overview.ts"
import { say } from "../../state/toasts.ts"
import { beginOf, changeQueues, type QueueProgress } from "./bulk-change.ts"
import { type ChangeKind, type Counted, type Counts, countLetters } from "./bulk-count.ts"
import { BulkProgress, sayProgress } from "./bulk-progress.tsx"
import { BulkQuestion } from "./bulk-question.tsx"

/** A change of many dead letters that somebody has asked for. */
export interface Asked {
  readonly kind: ChangeKind
  /** Queues that may have some of them. */
  readonly queues: readonly string[]
  readonly selection: Selection
  /** In words, after "dead letters"; empty for all of them. */
  readonly what: string
  /** Called when some may have been changed, and the dialog is closed. */
  readonly onChanged: () => void
}

const TITLES = { redrive: "Redrive dead letters", purge: "Purge dead letters" } as const

/**
 * Counts first, asks, and shows the progress of what it does. The dialog belongs to no screen: the browser's Back changes the
 * one behind it, and the change goes on.
 */
export const askForBulk = (asked: Asked): void =>
  showDialog((close) => <BulkDialog asked={asked} onClose={close} />)

function BulkDialog({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  const { kind, queues, onChanged } = asked
  const { counts, countAgain } = useCounts(asked)
  const [rows, setRows] = useState<readonly QueueProgress[] | null>(null)
  const [isRunning, setRunning] = useState(false)
  const ending = useRef(new AbortController())
  const latest = useRef<readonly QueueProgress[] | null>(null)
  latest.current = isRunning ? rows : null
  useEffect(
    () => () => {
      ending.current.abort()
      // The key of the tab is no longer accepted: nothing else can show the result.
      if (latest.current !== null) say(`Stopped. ${sayProgress(kind, latest.current)}`, true, true)
    },
    [],
  )
  useEffect(() => (isRunning ? holdPage() : undefined), [isRunning])
  const run = async (counted: readonly Counted[], perSecond: number | null): Promise<void> => {
    let current = counted.map(beginOf)
    setRows(current)
    setRunning(true)
    const show = (index: number, progress: QueueProgress): void => {
      current = current.with(index, progress)
      setRows(current)
    }
    await changeQueues({ kind, counted, perSecond }, show, ending.current.signal)
    setRunning(false)
    refreshSoon()
  }
  const close = (): void => {
    if (isRunning) return
    onClose()
    if (rows !== null) onChanged()
  }
  const [queue] = queues
  const where = queues.length === 1 ? ` of ${queue}` : ""
  return (
    <Dialog title={`${TITLES[kind]}${where}`} onClose={close} isWide={queues.length > 1}>
      {rows === null ? (
        <BulkQuestion
          kind={kind}
          what={asked.what}
          onlyQueue={queues.length === 1 ? queue : undefined}
          counts={counts}
          onCountAgain={countAgain}
          onRun={(counted, perSecond) => void run(counted, perSecond)}
          onClose={close}
        />
      ) : (
        <BulkProgress
          kind={kind}
          rows={rows}
          isRunning={isRunning}
          onStop={() => ending.current.abort()}
          onClose={close}
        />
      )}
    </Dialog>
  )
}

/** Counts when the dialog opens, and again when somebody wants it. */
function useCounts({ kind, queues, selection }: Asked) {
  const [counts, setCounts] = useState<Counts>({
    of: queues.length,
    counted: [],
    faults: [],
    isComplete: false,
  })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const ending = new AbortController()
    void countLetters(kind, queues, selection, setCounts, ending.signal)
    return () => ending.abort()
  }, [round])
  return { counts, countAgain: () => setRound(round + 1) }
}

/** Makes the browser ask before it leaves the page, until the returned function is called. */
function holdPage(): () => void {
  const ask = (event: BeforeUnloadEvent): void => event.preventDefault()
  addEventListener("beforeunload", ask)
  return () => removeEventListener("beforeunload", ask)
}

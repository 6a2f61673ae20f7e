import { useEffect, useState } from "preact/hooks"
import type { Queue } from "../../api/answers.ts"
import { deleteQueue, pauseQueue, purgeQueue, resumeQueue } from "../../api/calls.ts"
import { sayError } from "../../api/problem.ts"
import { counted } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Confirm } from "../../parts/confirm.tsx"
import { refreshSoon, showChange } from "../../state/overview.ts"
import { hasHistory, mayChangeAll, maySteer } from "../../state/session.ts"
import { say } from "../../state/toasts.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { ReplayDialog } from "./replay-dialog.tsx"

export interface QueueActionsProps {
  readonly queue: Queue
  /** Also offer what is rarely needed. Default: false. */
  readonly isComplete?: boolean
}

/** The actions on a queue that the key allows. */
export function QueueActions({ queue, isComplete }: QueueActionsProps) {
  const [asked, setAsked] = useState<"purge" | "delete" | "replay" | null>(null)
  const isSteerable = maySteer(queue.bindings)
  const isChangeable = mayChangeAll()
  if (!isSteerable && !isChangeable) return null
  const close = (): void => setAsked(null)
  return (
    <div class="actions">
      {isSteerable && queue.has_module && <PauseButton queue={queue} />}
      {isSteerable && isComplete && hasHistory() && (
        <Button onClick={() => setAsked("replay")}>Replay …</Button>
      )}
      {isChangeable && queue.waiting > 0 && (
        <Button label={`Purge ${queue.name}`} onClick={() => setAsked("purge")}>
          Purge
        </Button>
      )}
      {isChangeable && queue.is_orphaned && (
        <Button label={`Delete ${queue.name}`} onClick={() => setAsked("delete")}>
          Delete
        </Button>
      )}
      {asked === "purge" && <PurgeQueue queue={queue} onClose={close} />}
      {asked === "replay" && <ReplayDialog queue={queue.name} onClose={close} />}
      {asked === "delete" && <DeleteQueue queue={queue} onClose={close} />}
    </div>
  )
}

function PauseButton({ queue: { name, is_paused: isPaused, consumers } }: { queue: Queue }) {
  const change = async (): Promise<void> => {
    try {
      await (isPaused ? resumeQueue(name) : pauseQueue(name))
      // The next answer has the number; without a consumer until then, the queue would seem to be in trouble.
      showChange(name, { is_paused: !isPaused, ...(isPaused && { consumers: Math.max(1, consumers) }) })
      say(
        isPaused
          ? `${name} is consumed again.`
          : `${name} is paused on this instance. Its events wait until you resume it, or restart the service.`,
      )
    } catch (error) {
      say(sayError(error), true)
    }
  }
  const word = isPaused ? "Resume" : "Pause"
  return (
    <Button label={`${word} ${name}`} onClick={() => void change()}>
      {word}
    </Button>
  )
}

/** How often waiting events are counted again while somebody reads how many there are, in milliseconds. */
const COUNT_MS = 2_000

interface AskProps {
  readonly queue: Queue
  readonly onClose: () => void
}

function PurgeQueue({ queue: { name }, onClose }: AskProps) {
  const { answer, fault } = useAnswer(() => purgeQueue(name, true), name, COUNT_MS)
  const purge = async (): Promise<void> => {
    const { purged } = await purgeQueue(name, false)
    say(`${counted(purged, "event")} of ${name} deleted.`)
    refreshSoon()
  }
  return (
    <Confirm
      title={`Purge ${name}`}
      action="Delete the events"
      isDanger
      typed={name}
      isReady={answer !== null}
      onConfirm={purge}
      onClose={onClose}
    >
      {answer === null ? (
        <p>{fault ?? "Counting …"}</p>
      ) : (
        <p>
          This deletes every event that waits when you confirm, for good:{" "}
          <strong>{counted(answer.purged, "event")}</strong> now, and those that arrive until then. Events
          that run, that wait for a retry, and dead letters stay.
        </p>
      )}
    </Confirm>
  )
}

const sizeOf = ({ waiting, dead_letters: dead }: Queue): number => waiting + dead

function DeleteQueue({ queue, onClose }: AskProps) {
  const { name } = queue
  // What arrives while somebody reads the question is not in it. So the service refuses to delete a queue that was shown as
  // empty, and no longer is.
  const [shown, setShown] = useState(queue)
  useEffect(() => {
    if (sizeOf(queue) < sizeOf(shown)) setShown(queue)
  }, [queue, shown])
  const holdsSomething = sizeOf(shown) > 0
  const remove = async (): Promise<void> => {
    const { events, dead_letters } = await deleteQueue(name, holdsSomething)
    say(`${name} deleted, with ${counted(events, "event")} and ${counted(dead_letters, "dead letter")}.`)
    refreshSoon()
  }
  return (
    <Confirm
      title={`Delete ${name}`}
      action="Delete the queue"
      isDanger
      typed={name}
      onConfirm={remove}
      onClose={onClose}
    >
      <p>
        This deletes the queue with its bindings, <strong>{counted(shown.waiting, "waiting event")}</strong>{" "}
        and <strong>{counted(shown.dead_letters, "dead letter")}</strong> for good
        {holdsSomething && ", with those that arrive until then"}. An event that no other queue takes is then
        rejected as unroutable.
      </p>
    </Confirm>
  )
}

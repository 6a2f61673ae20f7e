import type { Replay } from "../../api/answers.ts"
import { sayError } from "../../api/problem.ts"
import { abortReplay, listReplays, resumeReplay } from "../../api/replay-calls.ts"
import { counted, whole } from "../../format/numbers.ts"
import { Badge, type Tone } from "../../parts/badge.tsx"
import { Button } from "../../parts/button.tsx"
import { Time } from "../../parts/time.tsx"
import { mayChangeAll } from "../../state/session.ts"
import { say } from "../../state/toasts.ts"
import { useAnswer } from "../../state/use-answer.ts"

/** Replays of the queue that are shown, the newest ones. */
const SHOWN = 5

/** How often they are read while one runs, and otherwise, in milliseconds. */
const RUNNING_MS = 1_000
const IDLE_MS = 5_000

const TONES: Readonly<Record<Replay["state"], Tone>> = {
  running: "good",
  done: "neutral",
  aborted: "neutral",
  interrupted: "warning",
  failed: "bad",
}

/** The latest replays into a queue, also those that a restart has interrupted; nothing if there are none. */
export function QueueReplays({ queue }: { queue: string }) {
  const { answer, again } = useAnswer(listReplays, "replays", (replays) =>
    replays?.some(({ state }) => state === "running") ? RUNNING_MS : IDLE_MS,
  )
  const replays = (answer ?? []).filter((replay) => replay.queue === queue).slice(0, SHOWN)
  if (replays.length === 0) return null
  const change = (made: Promise<Replay>): void =>
    void made.then(again, (error: unknown) => say(sayError(error), true))
  return (
    <section class="panel" aria-labelledby="replays">
      <h2 id="replays">Replays into it</h2>
      <ul class="queue-counts">
        {replays.map(({ id, state, replayed, selected, began_at: begun, reason }) => (
          <li key={id}>
            <span>
              <Badge tone={TONES[state]}>{state}</Badge>{" "}
              <span class="numeric">
                {whole(replayed)} of {counted(selected, "event")}
              </span>
              , begun <Time at={begun} />
            </span>
            {mayChangeAll() && state === "running" && (
              <Button label={`Stop the replay ${id}`} onClick={() => change(abortReplay(id))}>
                Stop
              </Button>
            )}
            {mayChangeAll() && state === "interrupted" && (
              <Button label={`Resume the replay ${id}`} onClick={() => change(resumeReplay(id))}>
                Resume
              </Button>
            )}
            {reason !== null && <span class="muted reason">{reason}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}

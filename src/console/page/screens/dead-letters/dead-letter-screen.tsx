import { useState } from "preact/hooks"
import type { DeadLetter } from "../../api/answers.ts"
import { listDeadLetters } from "../../api/calls.ts"
import { purgeLetter, redriveLetter } from "../../api/one-letter.ts"
import { isRecord } from "../../api/record.ts"
import { counted } from "../../format/numbers.ts"
import { Badge } from "../../parts/badge.tsx"
import { Button } from "../../parts/button.tsx"
import { Confirm } from "../../parts/confirm.tsx"
import { Facts } from "../../parts/facts.tsx"
import { Json } from "../../parts/json.tsx"
import { showDialog } from "../../parts/lasting-dialog.tsx"
import { Failed, Loading, Missing } from "../../parts/states.tsx"
import { Time } from "../../parts/time.tsx"
import { type Draft, openPublish } from "../../publishing/publish-dialog.tsx"
import { goTo, hrefOf, isAt } from "../../routing.ts"
import { refreshSoon } from "../../state/overview.ts"
import { hasScope, mayDo, mayPublish } from "../../state/session.ts"
import { say } from "../../state/toasts.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { quoted } from "../events/search.ts"
import { EditLetter } from "./edit-letter.tsx"
import { titleOf } from "./letters.ts"
import { NeedsAdmin } from "./needs-admin.tsx"

/** One dead letter, as it is stored: why it is one, and what can be done with it. */
export function DeadLetterScreen({
  queue,
  id,
  query,
}: {
  queue: string
  id: string
  query: URLSearchParams
}) {
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["dead-letters"])}>Dead letters</a> /{" "}
        <a class="mono" href={hrefOf(["dead-letters", queue])}>
          {queue}
        </a>
      </p>
      {hasScope("admin") ? (
        <Asked queue={queue} id={id} failed={query.get("failed")} />
      ) : (
        <>
          <h1 class="mono">{id}</h1>
          <NeedsAdmin search={`id:${quoted(id)}`} />
        </>
      )}
    </>
  )
}

/** Dead letters of one event that are looked for: a replay can add one to the one that it has. */
const MAX_SAME_ID = 10

/** @param failed when the dead letter failed last, if the address says so */
function Asked({ queue, id, failed }: { queue: string; id: string; failed: string | null }) {
  const { answer, fault, again } = useAnswer(
    (signal) => listDeadLetters(queue, { ids: [id], limit: MAX_SAME_ID }, signal, true),
    `${queue} ${id}`,
  )
  const letters = answer?.dead_letters ?? []
  const meant = letters.find(({ last_failed_at: at }) => String(at) === failed)
  const letter = meant ?? letters[0]
  if (fault !== null) return <Failed fault={fault} onRetry={again} />
  if (answer === null) return <Loading what="the dead letter" />
  if (letter !== undefined) {
    return (
      <>
        {answer.count > 1 && (
          <p class="note">
            The queue has {counted(answer.count, "dead letter")} of this event, of replays or repetitions.
            {meant === undefined &&
              " This is the oldest; the next one is here when this one is moved or deleted."}
          </p>
        )}
        <Known queue={queue} id={id} letter={letter} />
      </>
    )
  }
  return (
    <Missing title="The queue has no such dead letter any more.">
      <a href={hrefOf(["events", id])}>What became of the event</a>
    </Missing>
  )
}

function Known({ queue, id, letter }: { queue: string; id: string; letter: DeadLetter }) {
  const draft = draftOf(letter)
  return (
    <>
      <div class="heading">
        <h1 class="mono">{titleOf({ type: draft?.type ?? null, name: draft?.name ?? null })}</h1>
        <Badge tone="bad">{letter.reason}</Badge>
        {mayDo("admin") && <LetterActions queue={queue} id={id} letter={letter} draft={draft} />}
      </div>
      <Facts
        facts={[
          [
            "Id",
            <a key="id" class="mono" href={hrefOf(["events", id])}>
              {id}
            </a>,
          ],
          ["Attempts", String(letter.attempts)],
          ["First failed", <Time key="first" at={letter.first_failed_at} />],
          ["Last failed", <Time key="last" at={letter.last_failed_at} />],
          ["Module", letter.module ?? "none"],
        ]}
      />
      {letter.error !== null && (
        <section class="panel" aria-labelledby="error">
          <h2 id="error">
            {letter.error.name}: {letter.error.message}
          </h2>
          {letter.error.stack !== undefined && (
            <Json value={letter.error.stack} label="The stack of the error" />
          )}
        </section>
      )}
      <section class="panel" aria-labelledby="event">
        <h2 id="event">Event</h2>
        <Json value={letter.event ?? letter.body ?? letter.body_base64 ?? ""} label="The event as JSON" />
      </section>
    </>
  )
}

interface LetterActionsProps {
  readonly queue: string
  readonly id: string
  readonly letter: DeadLetter
  /** Null if it is not an event. */
  readonly draft: Draft | null
}

function LetterActions({ queue, id, letter, draft }: LetterActionsProps) {
  const [asked, setAsked] = useState<"redrive" | "purge" | null>(null)
  const close = (): void => setAsked(null)
  /** Says what was done, and leads to the others, unless somebody has gone elsewhere meanwhile. */
  const leave = (text: string): void => {
    say(text)
    refreshSoon()
    if (isAt(["dead-letters", queue, id])) goTo(["dead-letters", queue])
  }
  const redrive = async (): Promise<void> => {
    await redriveLetter(queue, id, letter)
    leave(`The event is back in ${queue}.`)
  }
  const purge = async (): Promise<void> => {
    await purgeLetter(queue, id, letter)
    leave("The dead letter is deleted.")
  }
  const edit = (begin: Draft): void =>
    showDialog((closeEdit) => (
      <EditLetter
        queue={queue}
        id={id}
        failedAt={letter.last_failed_at}
        draft={begin}
        onDone={() => leave(`The edited event is back in ${queue}.`)}
        onClose={closeEdit}
      />
    ))
  return (
    <div class="actions">
      <Button kind="primary" onClick={() => setAsked("redrive")}>
        Redrive
      </Button>
      {draft !== null && <Button onClick={() => edit(draft)}>Edit and redrive</Button>}
      {draft !== null && mayPublish(draft.type) && (
        <Button onClick={() => openPublish(draft)}>Publish a copy</Button>
      )}
      <Button onClick={() => setAsked("purge")}>Delete</Button>
      {asked === "redrive" && (
        <Confirm title="Redrive this event" action="Redrive" onConfirm={redrive} onClose={close}>
          <p>
            This moves <strong>1 event</strong> back to <code>{queue}</code>. Its attempts count from the
            start again.
          </p>
        </Confirm>
      )}
      {asked === "purge" && (
        <Confirm title="Delete this dead letter" action="Delete" isDanger onConfirm={purge} onClose={close}>
          <p>
            This deletes <strong>1 dead letter</strong> of <code>{queue}</code> for good.
          </p>
        </Confirm>
      )}
    </div>
  )
}

/** Returns the event of a dead letter as a draft; null if it is not one. */
function draftOf({ event }: DeadLetter): Draft | null {
  if (!isRecord(event)) return null
  const { type, name, payload, metadata, routing_key, priority, ordering_key } = event
  if (typeof type !== "string" || typeof name !== "string") return null
  return {
    type,
    name,
    payload,
    metadata,
    ...(typeof routing_key === "string" && { routing_key }),
    ...(typeof priority === "string" && { priority }),
    ...(typeof ordering_key === "string" && { ordering_key }),
  }
}

import { useState } from "preact/hooks"
import type { EventHistory, StoredEvent } from "../../api/answers.ts"
import { listDeadLetters, showEvent } from "../../api/calls.ts"
import { redriveLetter } from "../../api/one-letter.ts"
import { counted } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Confirm } from "../../parts/confirm.tsx"
import { Copy } from "../../parts/copy.tsx"
import { Facts } from "../../parts/facts.tsx"
import { Json } from "../../parts/json.tsx"
import { Failed, Loading } from "../../parts/states.tsx"
import { Time } from "../../parts/time.tsx"
import { openPublish } from "../../publishing/publish-dialog.tsx"
import { hrefOf } from "../../routing.ts"
import { liveEvents } from "../../state/live-events.ts"
import { refreshSoon } from "../../state/overview.ts"
import { mayDo, mayPublish } from "../../state/session.ts"
import { say } from "../../state/toasts.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { curlOf } from "./curl.ts"
import { EventState } from "./event-state.tsx"
import { quoted } from "./search.ts"
import { Timeline } from "./timeline.tsx"

/** How often an event that something still happens to is read again, in milliseconds. */
const READ_MS = 2_000

const isOpen = ({ status }: EventHistory): boolean => status === "pending" || status === "processing"

export function EventScreen({ id }: { id: string }) {
  const { answer, fault, again } = useAnswer(
    (signal) => showEvent(id, signal),
    id,
    (history) => (history !== null && isOpen(history) ? READ_MS : undefined),
  )
  if (answer !== null) return <Known history={answer} again={again} />
  if (fault === null) {
    return (
      <>
        <h1 class="mono">{id}</h1>
        <Loading what="the event" />
      </>
    )
  }
  const seen = liveEvents.value.events.find((event) => event.id === id)
  return (
    <>
      <div class="heading">
        <h1 class="mono">{seen === undefined ? id : `${seen.type}.${seen.name}`}</h1>
        {seen !== undefined && <EventActions event={seen} />}
      </div>
      <Failed fault={fault} onRetry={again} />
      <p class="note">
        A dead letter outlives the history: if this event is one, it is among the{" "}
        <a href={hrefOf(["dead-letters"])}>dead letters</a>.
      </p>
      {seen !== undefined && <Body event={seen} />}
    </>
  )
}

/** Failed deliveries come first: somebody who looks at an event wants to know why it failed. */
const urgency = (state: string): number =>
  state === "dead" || state === "expired" ? 2 : state === "handled" ? 0 : 1

function Known({ history, again }: { history: EventHistory; again: () => void }) {
  const { event } = history
  const dead = history.queues.filter(({ state }) => state === "dead" || state === "expired")
  return (
    <>
      <div class="heading">
        <h1 class="mono">{history.type === null ? history.id : `${history.type}.${history.name}`}</h1>
        <EventState state={history.status} />
        <div class="actions">
          {dead.map(({ queue }) => (
            <RetryNow key={queue} queue={queue} id={history.id} again={again} />
          ))}
          <Button onClick={again}>Refresh</Button>
        </div>
        {event !== null && <EventActions event={event} />}
      </div>
      <Facts
        facts={[
          ["Id", <code key="id">{history.id}</code>],
          ["Published", <Time key="published" at={history.published_at} />],
          ["Routing key", <code key="key">{history.routing_key ?? "–"}</code>],
          ["Priority", event?.priority ?? "–"],
          [
            "Ordering key",
            history.ordering_key === null ? "none" : <KeyLink key="ordered" value={history.ordering_key} />,
          ],
          ["Trace", history.trace_id === null ? "none" : <TraceLink key="trace" trace={history.trace_id} />],
          [
            "Caused by",
            history.caused_by === null ? "a publisher" : <EventLink key="by" id={history.caused_by} />,
          ],
          ["Caused", <Caused key="caused" history={history} />],
        ]}
      />
      {history.queues
        .toSorted((a, b) => urgency(b.state) - urgency(a.state))
        .map((delivery) => (
          <Timeline key={delivery.queue} delivery={delivery} />
        ))}
      {event !== null && <Body event={event} isEdited={isEdited(history)} />}
    </>
  )
}

/** Dead letters of one event that are looked for: a replay can add one to the one that it has. */
const MAX_SAME_ID = 10

const NEVER = new AbortController().signal

/** Moves the event from the dead letters of a queue back to it, if the key allows that. */
function RetryNow({ queue, id, again }: { queue: string; id: string; again: () => void }) {
  const [isAsked, setAsked] = useState(false)
  if (!mayDo("admin")) return null
  const retry = async (): Promise<void> => {
    const { dead_letters: letters } = await listDeadLetters(queue, { ids: [id], limit: MAX_SAME_ID }, NEVER)
    const latest = letters.at(-1)
    if (latest === undefined) throw new Error(`The dead letters of ${queue} no longer have this event.`)
    await redriveLetter(queue, id, latest)
    say(`The event is back in ${queue}.`)
    refreshSoon()
    again()
  }
  return (
    <>
      <Button kind="primary" onClick={() => setAsked(true)}>
        Retry now on {queue}
      </Button>
      {isAsked && (
        <Confirm title="Retry now" action="Retry" onConfirm={retry} onClose={() => setAsked(false)}>
          <p>
            This moves <strong>1 event</strong>, as it failed last, from the dead letters of{" "}
            <code>{queue}</code> back to the queue. Its attempts count from the start again.
          </p>
        </Confirm>
      )}
    </>
  )
}

const EventActions = ({ event }: { event: StoredEvent }) => (
  <div class="actions">
    {mayPublish(event.type) && <Button onClick={() => openPublish(event)}>Publish again</Button>}
    <Copy text={() => curlOf(event)}>Copy as curl</Copy>
  </div>
)

const isEdited = ({ queues }: EventHistory): boolean =>
  queues.some(({ timeline }) => timeline.some((entry) => entry.is_edited))

/** The event as it was published: an edit is in the timeline of its queue. */
const Body = ({ event, isEdited = false }: { event: StoredEvent; isEdited?: boolean }) => (
  <section class="panel" aria-labelledby="payload">
    <h2 id="payload">{isEdited ? "Payload, as it was published" : "Payload"}</h2>
    <Json value={event.payload} label="The payload as JSON" />
    {JSON.stringify(event.metadata ?? {}) !== "{}" && (
      <>
        <h2>Metadata</h2>
        <Json value={event.metadata} label="The metadata as JSON" />
      </>
    )}
  </section>
)

const EventLink = ({ id }: { id: string }) => (
  <a class="mono" href={hrefOf(["events", id])}>
    {id}
  </a>
)

/** Leads to all events of an ordering key. */
const KeyLink = ({ value }: { value: string }) => (
  <a class="mono" href={hrefOf(["events"], { view: "history", q: `key:${quoted(value)}` })}>
    {value}
  </a>
)

const TraceLink = ({ trace }: { trace: string }) => (
  <a class="mono" href={hrefOf(["events"], { view: "history", q: `trace:${trace}` })}>
    {trace}
  </a>
)

/** Events that are named; the history search has the others. */
const MAX_CAUSED = 5

function Caused({ history: { id, caused, has_more_caused: hasMore } }: { history: EventHistory }) {
  if (caused.length === 0) return <>nothing</>
  const isLong = hasMore || caused.length > MAX_CAUSED
  return (
    <>
      {caused.slice(0, MAX_CAUSED).map((each) => (
        <EventLink key={each} id={each} />
      ))}
      {isLong && (
        <a href={hrefOf(["events"], { view: "history", q: `cause:${quoted(id)}` })}>
          {hasMore ? "all of them" : `all ${counted(caused.length, "event")}`}
        </a>
      )}
    </>
  )
}

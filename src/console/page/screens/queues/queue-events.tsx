import { useState } from "preact/hooks"
import type { EventSummary } from "../../api/answers.ts"
import { listEvents } from "../../api/calls.ts"
import { counted, whole } from "../../format/numbers.ts"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { EventTable } from "../events/event-table.tsx"

/** Events of a state that are shown; the history has the others. */
const SHOWN = 50

const VIEWS = {
  waiting: { name: "Open", states: "waiting,unknown", order: "oldest", empty: "No event waits or runs." },
  retrying: { name: "Retrying", states: "retrying", order: "oldest", empty: "No event waits for a retry." },
  dead: { name: "Dead", states: "dead,expired", order: "newest", empty: "No event has failed." },
  handled: { name: "Handled", states: "handled", order: "newest", empty: "No event was handled yet." },
} as const

type View = keyof typeof VIEWS

/** The events of a queue, from the history: looking takes nothing from the queue. */
export function QueueEvents({ queue, deadLetters }: { queue: string; deadLetters: number }) {
  const [view, setView] = useState<View>("waiting")
  const { states, order, empty } = VIEWS[view]
  const { answer, fault, again } = useAnswer(
    (signal) => listEvents({ queue, state: states, order, limit: SHOWN }, signal),
    `${queue} ${view}`,
  )
  return (
    <section class="panel" aria-labelledby="events">
      <div class="heading">
        <h2 id="events">Events</h2>
        <fieldset class="tabs">
          <legend class="visually-hidden">State</legend>
          {Object.entries(VIEWS).map(([id, { name }]) => (
            <button key={id} type="button" aria-pressed={id === view} onClick={() => setView(id as View)}>
              {name}
            </button>
          ))}
        </fieldset>
        <div class="actions">
          <a href={hrefOf(["events"], { view: "history", q: `queue:${queue}` })}>All in the history</a>
          {deadLetters > 0 && (
            <a href={hrefOf(["dead-letters", queue])}>{counted(deadLetters, "dead letter")}</a>
          )}
        </div>
      </div>
      {fault !== null ? (
        <Failed fault={fault} onRetry={again} />
      ) : answer === null ? (
        <Loading what="events" />
      ) : answer.events.length === 0 ? (
        <Empty title={empty} />
      ) : (
        <>
          {view === "dead" && <FailingNames events={answer.events} />}
          <EventTable events={answer.events} queue={queue} />
        </>
      )}
    </section>
  )
}

/** Which events fail, the most frequent first. */
function FailingNames({ events }: { events: readonly EventSummary[] }) {
  const counts = [...Map.groupBy(events, ({ type, name }) => `${type}.${name}`)]
    .map(([name, each]) => ({ name, count: each.length }))
    .toSorted((a, b) => b.count - a.count)
  return (
    <p class="muted">
      Of the latest {counted(events.length, "event")}:{" "}
      {counts.map(({ name, count }) => (
        <span class="delivery" key={name}>
          <span class="mono">{name}</span> {whole(count)}
        </span>
      ))}
    </p>
  )
}

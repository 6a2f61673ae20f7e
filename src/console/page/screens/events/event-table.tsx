import type { EventSummary } from "../../api/answers.ts"
import { whole } from "../../format/numbers.ts"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import { EventState } from "./event-state.tsx"

export interface EventTableProps {
  readonly events: readonly EventSummary[]
  /** Shows the events as they are on this queue. Default: on all of them. */
  readonly queue?: string
}

export const EventTable = ({ events, queue }: EventTableProps) => (
  <table class="table cards">
    <thead>
      <tr>
        <th scope="col">Event</th>
        <th scope="col">Published</th>
        <th scope="col">{queue === undefined ? "Status" : "State"}</th>
        <th scope="col">{queue === undefined ? "Queues" : "Reason"}</th>
        <th scope="col" class="number">
          Attempts
        </th>
      </tr>
    </thead>
    <tbody>
      {events.map((event) => (
        <Row key={event.id} event={event} queue={queue} />
      ))}
    </tbody>
  </table>
)

function Row({ event, queue }: { event: EventSummary; queue: string | undefined }) {
  const deliveries = event.queues.filter((each) => queue === undefined || each.queue === queue)
  const attempts = deliveries.reduce((sum, each) => sum + each.attempts, 0)
  return (
    <tr>
      <td class="title">
        <a class="mono" data-row href={hrefOf(["events", event.id])}>
          {event.type === null ? event.id : `${event.type}.${event.name}`}
        </a>
        <span class="id">{event.id}</span>
      </td>
      <td data-label="Published">
        <Time at={event.published_at} />
      </td>
      <td data-label={queue === undefined ? "Status" : "State"}>
        <EventState state={queue === undefined ? event.status : (deliveries[0]?.state ?? event.status)} />
      </td>
      <td data-label={queue === undefined ? "Queues" : "Reason"}>
        {queue === undefined ? (
          deliveries.map((each) => (
            <span class="delivery" key={each.queue}>
              <span class="mono">{each.queue}</span> {each.state}
            </span>
          ))
        ) : (
          <span class="muted">{deliveries[0]?.reason ?? "–"}</span>
        )}
      </td>
      <td class="number" data-label="Attempts">
        {whole(attempts)}
      </td>
    </tr>
  )
}

import { END, headOf, PAYLOAD, tailOf } from "../event/event-layout.ts"
import type { DescribedEvent } from "./fact-event.ts"

/** The columns that take part of an event's JSON; the routing key in full. */
export interface ColumnsOfEvent {
  readonly id: string
  readonly type: string | null
  readonly name: string | null
  readonly routingKey: string | null
  readonly orderingKey: string | null
}

/** An event's JSON in parts. */
interface PlainBody {
  readonly event: DescribedEvent
  /** All that the columns do not say: about half of an event of the usual size. */
  readonly rest: string
}

/** The beginning of an event as this service writes it, with strings that need no unescaping. */
const HEAD =
  /^\{"id":"([^"\\]+)","type":"([^"\\]+)","name":"([^"\\]+)","routing_key":"([^"\\]+)",(?="payload":\{)/

/** The end of an event behind `END`. */
const ORDERING_KEY = /^(?:,"ordering_key":"([^"\\]+)")?\}$/

/** Takes an event's JSON apart. Returns null if it is not as this service writes it. */
export function plainBody(body: string): PlainBody | null {
  const head = HEAD.exec(body)
  const endAt = body.lastIndexOf(END)
  if (head === null || endAt < 0) return null
  const end = ORDERING_KEY.exec(body.slice(endAt + END.length))
  const [whole, id, type, name, routing_key] = head
  if (
    end === null ||
    id === undefined ||
    type === undefined ||
    name === undefined ||
    routing_key === undefined
  )
    return null
  return {
    event: { id, type, name, routing_key, ordering_key: end[1] },
    rest: body.slice(whole.length, endAt),
  }
}

/** Returns what is stored of an event's JSON: the rest, or all of it if the rest and the columns do not make it. */
export function storedBody(body: string, event: DescribedEvent): string {
  const plain = plainBody(body)
  const isSame = (key: keyof DescribedEvent): boolean => plain?.event[key] === event[key]
  return plain !== null && KEYS.every(isSame) ? plain.rest : body
}

const KEYS = ["id", "type", "name", "routing_key", "ordering_key"] as const

/** Returns an event's JSON, byte for byte as it was. */
export function wholeBody(
  stored: string,
  { id, type, name, routingKey, orderingKey }: ColumnsOfEvent,
): string {
  if (!stored.startsWith(PAYLOAD)) return stored
  return `${headOf(id, type ?? "", name ?? "", routingKey ?? "")}${stored}${END}${tailOf(orderingKey)}`
}

/** JSON with the payload of an event, of the column `body`. The rest ends with a comma. */
export const BODY_JSON = `iif(substr(body, 1, 1) = '"', '{' || body || '"":0}', body)`

import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { chainText, type Lineage, readLineage } from "../../../event/lineage.ts"
import { type Origin, readReplay } from "../../../event/origin.ts"
import { headersOf } from "./decode.ts"

/** Header with the id of the event that a handler handled when it published this one. */
const CAUSED_BY = "x-caused-by"

/** Header with the number of publishes by handlers that led to the event. */
const HOPS = "x-hops"

/** Header with `type/name` of the events before it, separated by spaces. */
const CHAIN = "x-chain"

/** Header with the id of the replay that put the event on its queue again. */
const REPLAY = "x-replay"

/** Shared, because every publish over HTTP has none. */
const NONE: Readonly<Record<string, never>> = {}

/** The parts of an origin that have headers of this service's own. */
export type OwnOrigin = Partial<Pick<Origin, "lineage" | "replay">>

export const isOriginHeader = (name: string): boolean =>
  name === CAUSED_BY || name === HOPS || name === CHAIN || name === REPLAY

/** The origin of a message. Another program may have set the headers, so what is out of range does not count. */
export function ownOriginOf(message: AMQPMessage): Required<OwnOrigin> {
  const headers = headersOf(message)
  return {
    lineage: readLineage(headers[CAUSED_BY], headers[HOPS], headers[CHAIN]),
    replay: readReplay(headers[REPLAY]),
  }
}

/** The headers of an origin. */
export function originHeaders({ lineage, replay }: OwnOrigin): Readonly<Record<string, string | number>> {
  const lineageHeaders = lineage ? headersOfLineage(lineage) : NONE
  return replay ? { ...lineageHeaders, [REPLAY]: replay } : lineageHeaders
}

function headersOfLineage({ causedBy, hops, chain }: Lineage): Readonly<Record<string, string | number>> {
  const ids = { [CAUSED_BY]: causedBy, [HOPS]: hops }
  return chain.length === 0 ? ids : { ...ids, [CHAIN]: chainText(chain) }
}

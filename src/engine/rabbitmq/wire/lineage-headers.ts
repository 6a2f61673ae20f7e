import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { chainText, type Lineage, readLineage } from "../../../event/lineage.ts"
import { headersOf } from "./decode.ts"

/** Header with the id of the event that a handler handled when it published this one. */
const CAUSED_BY = "x-caused-by"

/** Header with the number of publishes by handlers that led to the event. */
const HOPS = "x-hops"

/** Header with `type/name` of the events before it, separated by spaces. */
const CHAIN = "x-chain"

/** Shared, because every publish over HTTP has none. */
const NONE: Readonly<Record<string, never>> = {}

export const isLineageHeader = (name: string): boolean =>
  name === CAUSED_BY || name === HOPS || name === CHAIN

/** The lineage of a message. Another program may have set the headers, so what is out of range does not count. */
export function lineageOf(message: AMQPMessage): Lineage | null {
  const headers = headersOf(message)
  return readLineage(headers[CAUSED_BY], headers[HOPS], headers[CHAIN])
}

/** The headers of a lineage. */
export function lineageHeaders(lineage: Lineage | null): Readonly<Record<string, string | number>> {
  if (lineage === null) return NONE
  const { causedBy, hops, chain } = lineage
  const ids = { [CAUSED_BY]: causedBy, [HOPS]: hops }
  return chain.length === 0 ? ids : { ...ids, [CHAIN]: chainText(chain) }
}

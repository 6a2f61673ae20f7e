import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { LinkState } from "../connection/broker-link.ts"
import type { TopologyOptions } from "../topology/topology.ts"
import type { FactJournal } from "./fact-journal.ts"
import type { HistoryReportsOptions } from "./history-reports.ts"
import type { UnreadFacts } from "./unread-facts.ts"

export interface FactWriterOptions extends HistoryReportsOptions {
  /** Declares the stream. Resolves with RabbitMQ's words if it exists with other arguments, otherwise with null. */
  readonly declare: (client: AMQPClient) => Promise<string | null>
  /** With `passive`, a missing stream stays missing until somebody declares it. */
  readonly mode: TopologyOptions["mode"]
  /** Keeps what was sent until it is read. */
  readonly unread: UnreadFacts
  /** Called when the stream of a connection exists. */
  readonly onOpened: (client: AMQPClient) => void
  /** Returns how many events wait for their confirm. */
  readonly publishesInFlight: () => number
  /** Sends the events that were published so far in this turn, which are on another connection. */
  readonly sendEvents: () => void
  /** Keeps the facts of publishes until RabbitMQ has them; null if there is none. */
  readonly journal: FactJournal | null
  /** Returns how the connection is that publishes events: the engine's status shows an outage of it, and it sees alarms first. */
  readonly publishing: () => LinkState<unknown>
}

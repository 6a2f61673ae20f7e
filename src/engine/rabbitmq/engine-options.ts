import type { EngineStatus } from "../engine.ts"
import type { Report } from "../report.ts"
import type { BrokerAccess } from "./connection/broker-address.ts"
import type { QueueConsumersOptions } from "./consuming/queue-consumers.ts"
import type { HistoryLimits } from "./history/history-stream.ts"
import type { TopologyOptions } from "./topology/topology.ts"
import type { UpkeepOptions } from "./upkeep.ts"

export interface RabbitMqEngineOptions
  extends Pick<UpkeepOptions, "lookLastsMs">,
    Pick<QueueConsumersOptions, "renewIdleMs"> {
  readonly access: BrokerAccess
  readonly topology: TopologyOptions
  /** How long a publish waits for its confirm, in milliseconds. */
  readonly confirmTimeoutMs: number
  /** Time after which RabbitMQ closes the channel of an unsettled delivery, in milliseconds. */
  readonly consumerTimeoutMs: number
  /** Record what becomes of each event. Default: false. */
  readonly recordsFacts?: boolean
  /** How much of the history RabbitMQ keeps, from when its stream is declared first. Default: 24 hours, 1 GiB. */
  readonly history?: HistoryLimits
  /** Called when the engine's state changes. */
  readonly onStatusChange?: (status: EngineStatus) => void
  readonly report: Report
}

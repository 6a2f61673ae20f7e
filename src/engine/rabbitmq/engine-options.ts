import type { EngineStatus } from "../engine.ts"
import type { Report } from "../report.ts"
import type { BrokerAccess } from "./connection/broker-address.ts"
import type { QueueConsumersOptions } from "./consuming/queue-consumers.ts"
import type { RabbitMqFactLogOptions } from "./history/rabbitmq-fact-log.ts"
import type { TopologyOptions } from "./topology/topology.ts"
import type { UpkeepOptions } from "./upkeep.ts"

export interface RabbitMqEngineOptions
  extends Pick<UpkeepOptions, "lookLastsMs">,
    Pick<QueueConsumersOptions, "renewIdleMs">,
    Pick<RabbitMqFactLogOptions, "history" | "journalFolder"> {
  readonly access: BrokerAccess
  readonly topology: TopologyOptions
  /** How long a publish waits for its confirm, in milliseconds. */
  readonly confirmTimeoutMs: number
  /** Time after which RabbitMQ closes the channel of an unsettled delivery, in milliseconds. */
  readonly consumerTimeoutMs: number
  /** Record what becomes of each event. Default: false. */
  readonly recordsFacts?: boolean
  /** Called when the engine's state changes. */
  readonly onStatusChange?: (status: EngineStatus) => void
  readonly report: Report
}

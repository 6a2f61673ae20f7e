import type { BrokerReport } from "../broker-report.ts"
import type { EngineStatus } from "../engine.ts"
import type { BrokerAccess, BrokerAddress } from "./connection/broker-address.ts"
import type { ServerProperties } from "./connection/server-properties.ts"
import type { TopologyOptions } from "./topology/topology.ts"

export interface BrokerFacts {
  readonly access: BrokerAccess
  readonly topology: TopologyOptions
  readonly address: BrokerAddress
  /** Null before the first connection. */
  readonly server: ServerProperties | null
  readonly status: EngineStatus
  readonly isPublishing: boolean
  readonly isConsuming: boolean
  readonly heldDeliveries: number
}

/** Describes the connection to RabbitMQ without its secrets. */
export function describeBroker(facts: BrokerFacts): BrokerReport {
  const { access, topology, address, server, status, isPublishing, isConsuming, heldDeliveries } = facts
  const upState = isPublishing && isConsuming ? "connected" : "disconnected"
  return {
    state: status.state === "blocked" ? "blocked" : upState,
    reason: reasonIn(status),
    ...address,
    vhost: access.vhost,
    tls: access.tls,
    product: server?.product ?? null,
    version: server?.version ?? null,
    queueType: topology.queueType,
    isPublishing,
    isConsuming,
    heldDeliveries,
  }
}

function reasonIn(status: EngineStatus): string | null {
  if (status.state === "ready") return status.warning ?? null
  return "reason" in status ? status.reason : null
}

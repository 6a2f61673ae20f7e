import type { EngineCapabilities } from "../engine.ts"
import type { ServerProperties } from "./server-properties.ts"

export type QueueType = "quorum" | "classic"

/**
 * Returns the capabilities of this broker with this queue type. Quorum queues order by priority since
 * RabbitMQ 4.0, with two levels, and strictly since 4.3. Source: rabbitmq.com/docs/quorum-queues#priorities.
 */
export function capabilitiesOf(
  queueType: QueueType,
  server: ServerProperties | null,
  consumerTimeoutMs: number,
  findsUndeclaredQueues: boolean,
): EngineCapabilities {
  return {
    priorities: queueType === "classic" ? "strict" : quorumPriorities(server?.version ?? ""),
    remembersQueues: false,
    findsUndeclaredQueues,
    updatesQueues: false,
    refusesOnAllQueuesOrNone: false,
    hasExactLimits: queueType === "classic",
    releaseKeepsAttempt: false,
    storesTriedAttempts: false,
    maxUnsettledMs: consumerTimeoutMs,
    countsEveryRedelivery: queueType === "quorum",
    crashKeepsDeadLetterOrder: queueType === "classic",
  }
}

function quorumPriorities(version: string): EngineCapabilities["priorities"] {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  if (major < 4) return "none"
  return major > 4 || minor >= 3 ? "strict" : "two-level"
}

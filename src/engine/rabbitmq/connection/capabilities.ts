import type { EngineCapabilities } from "../../engine.ts"
import type { ServerProperties } from "./server-properties.ts"

export type QueueType = "quorum" | "classic"

interface CapabilityOptions {
  readonly topology: { readonly queueType: QueueType }
  /** Time after which RabbitMQ closes the channel of an unsettled delivery, in milliseconds. */
  readonly consumerTimeoutMs: number
}

/**
 * Returns the capabilities of this broker with this queue type. Quorum queues order by priority since
 * RabbitMQ 4.0, with two levels, and strictly since 4.3. Source: rabbitmq.com/docs/quorum-queues#priorities.
 */
export function capabilitiesOf(
  options: CapabilityOptions,
  server: ServerProperties | null,
  findsUndeclaredQueues: boolean,
): EngineCapabilities {
  const { consumerTimeoutMs } = options
  const { queueType } = options.topology
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
    deduplicates: "per-instance",
    crashKeepsDeadLetterOrder: queueType === "classic",
    // All queues share the delay tiers.
    countsRetries: false,
  }
}

/** The capabilities of the broker that is connected, made once for each: they are asked for at each delivery. */
export class KnownCapabilities {
  readonly #options: CapabilityOptions
  #known: {
    readonly server: ServerProperties | null
    readonly finds: boolean
    readonly value: EngineCapabilities
  } | null = null

  constructor(options: CapabilityOptions) {
    this.#options = options
  }

  of(server: ServerProperties | null, findsUndeclaredQueues: boolean): EngineCapabilities {
    if (this.#known?.server !== server || this.#known.finds !== findsUndeclaredQueues) {
      const value = capabilitiesOf(this.#options, server, findsUndeclaredQueues)
      this.#known = { server, finds: findsUndeclaredQueues, value }
    }
    return this.#known.value
  }
}

/**
 * Returns true if this broker moves the consumers of a queue that is deleted and at once declared again to the
 * new queue without a word, and then delivers nothing to them, although it counts events as delivered. Source:
 * rabbit_channel.erl of RabbitMQ 3, `handle_cast({queue_event, …})`: what the move has stored is overwritten.
 * RabbitMQ 4 cancels such consumers: RabbitMQ pull request 11583.
 */
export function forgetsConsumers(queueType: QueueType, server: ServerProperties | null): boolean {
  return queueType === "quorum" && versionOf(server?.version ?? "").major < 4
}

function quorumPriorities(version: string): EngineCapabilities["priorities"] {
  const { major, minor } = versionOf(version)
  if (major < 4) return "none"
  return major > 4 || minor >= 3 ? "strict" : "two-level"
}

function versionOf(version: string): { readonly major: number; readonly minor: number } {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return { major, minor }
}

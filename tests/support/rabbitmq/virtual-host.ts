import type { BrokerAccess } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import type { QueueType } from "../../../src/engine/rabbitmq/connection/capabilities.ts"
import type { RabbitMqEngineOptions } from "../../../src/engine/rabbitmq/engine-options.ts"
import { RabbitMqEngine } from "../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import type { RabbitMqNode } from "./node.ts"

const CONFIRM_TIMEOUT_MS = 10_000

/** RabbitMQ's default. */
export const CONSUMER_TIMEOUT_MS = 1_800_000

/** Returns the access of an engine to a node's virtual host. */
export function accessTo(node: Pick<RabbitMqNode, "port">, vhost: string): BrokerAccess {
  const address = { host: "127.0.0.1", port: node.port }
  return { addresses: [address], user: "guest", password: "guest", vhost, tls: false }
}

/** Creates an engine with the settings of the tests. */
export function newEngine(
  access: BrokerAccess,
  queueType: QueueType,
  overrides: Partial<RabbitMqEngineOptions> = {},
): RabbitMqEngine {
  const topology = { exchange: "events", exchangeType: "topic", queueType, mode: "declare" } as const
  return new RabbitMqEngine({
    access,
    topology,
    confirmTimeoutMs: CONFIRM_TIMEOUT_MS,
    consumerTimeoutMs: CONSUMER_TIMEOUT_MS,
    report: () => {},
    // Tests need current values, not cached ones.
    lookLastsMs: 0,
    ...overrides,
  })
}

/** A virtual host for one test: it starts empty, and is deleted with its content. */
export class VirtualHost implements AsyncDisposable {
  readonly name = `test-${Bun.randomUUIDv7()}`
  readonly access: BrokerAccess
  readonly #node: RabbitMqNode

  private constructor(node: RabbitMqNode) {
    this.#node = node
    this.access = accessTo(node, this.name)
  }

  static async create(node: RabbitMqNode): Promise<VirtualHost> {
    const host = new VirtualHost(node)
    await node.manage("PUT", `vhosts/${host.name}`, {})
    const all = { configure: ".*", write: ".*", read: ".*" }
    await node.manage("PUT", `permissions/${host.name}/guest`, all)
    return host
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.manage("DELETE", `vhosts/${this.name}`)
  }
}

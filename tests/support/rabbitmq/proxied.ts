import type { BrokerAccess } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import type { RabbitMqNode } from "./node.ts"
import type { SharedHost } from "./shared-host.ts"
import { StallingProxy } from "./stalling-proxy.ts"

/** A proxy to a node, with the access of an engine through it. */
export async function proxied(node: RabbitMqNode) {
  const proxy = await StallingProxy.start(node.port)
  return Object.assign(proxy, {
    access: (shared: SharedHost): BrokerAccess => ({
      ...shared.access,
      addresses: [{ host: "127.0.0.1", port: proxy.port }],
    }),
  })
}

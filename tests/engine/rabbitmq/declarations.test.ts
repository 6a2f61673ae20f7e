import { expect, test } from "bun:test"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import type { RabbitMqNode } from "../../support/rabbitmq/node.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { StallingProxy } from "../../support/rabbitmq/stalling-proxy.ts"
import { accessTo, newEngine, VirtualHost } from "../../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

async function openBehindProxy(node: RabbitMqNode) {
  const host = await VirtualHost.create(node)
  const proxy = await StallingProxy.start(node.port)
  const { name: vhost } = host
  const access = { ...accessTo(node, vhost), addresses: [{ host: "127.0.0.1", port: proxy.port }] }
  const engine = newEngine(access, "quorum")
  return {
    engine,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await engine.close()
      proxy[Symbol.dispose]()
      await host[Symbol.asyncDispose]()
    },
  }
}

onEveryBroker((node) => {
  test(
    "a connection that is lost while queues are declared does not end the start: the next one declares them",
    async () => {
      await using opened = await openBehindProxy(node())
      const { engine, proxy } = opened
      const isReady = () => engine.status().state === "ready"
      await waitUntil(isReady, "the engine to be ready")
      proxy.stall()
      const declared = engine.declareQueues([queueDeclaration("calls")])
      proxy.cut()
      await declared
      await waitUntil(() => !isReady(), "the loss of the connection")
      await waitUntil(isReady, "the engine to be ready again")
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0 })
    },
    TIMEOUT_MS,
  )
})

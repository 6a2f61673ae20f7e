import { afterAll, beforeAll, describe } from "bun:test"
import type { QueueDeclaration } from "../../src/engine/engine.ts"
import { capabilitiesOf, type QueueType } from "../../src/engine/rabbitmq/capabilities.ts"
import type { RabbitMqEngine } from "../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { ChildProcess } from "../support/child-process.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { newEngine, VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../support/wait-until.ts"
import { describeEngine, type EngineHarness } from "./engine-contract.ts"

const START_TIMEOUT_MS = 60_000

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode
    let version = ""

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
      version = (await node.control("version")).trim()
    }, START_TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    describeEngine("rabbitmq (quorum queues)", () => newHarness(node, version, "quorum"))
    describeEngine("rabbitmq (classic queues)", () => newHarness(node, version, "classic"))
  })
}

async function newHarness(node: RabbitMqNode, version: string, queueType: QueueType): Promise<EngineHarness> {
  const host = await VirtualHost.create(node)
  const declared = new Map<string, QueueDeclaration>()
  let engine: RabbitMqEngine | undefined
  return {
    capabilities: capabilitiesOf(queueType, { product: "RabbitMQ", version }),

    /** It does not remember its queues: who starts it declares them. */
    async open() {
      const opened = newEngine(host.access, queueType)
      engine = opened
      await opened.declareQueues([...declared.values()])
      await waitUntil(() => opened.status().state === "ready", "the engine to be ready")
      const declare = opened.declareQueues.bind(opened)
      opened.declareQueues = async (queues) => {
        await declare(queues)
        for (const queue of queues) declared.set(queue.name, queue)
      }
      return opened
    },

    async crashHolding(queue, count) {
      const script = new URL("../support/rabbitmq/hold-deliveries.ts", import.meta.url)
      const args = [JSON.stringify(host.access), queueType, queue, String(count)]
      await using child = new ChildProcess(script, args)
      return (await child.printed(count)).map((line) => JSON.parse(line))
    },

    async [Symbol.asyncDispose]() {
      await engine?.close()
      await host[Symbol.asyncDispose]()
    },
  }
}

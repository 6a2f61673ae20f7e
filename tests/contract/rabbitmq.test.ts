import { afterAll, beforeAll, describe } from "bun:test"
import type { QueueDeclaration } from "../../src/engine/engine.ts"
import type { BrokerAccess } from "../../src/engine/rabbitmq/connection/broker-address.ts"
import { capabilitiesOf, type QueueType } from "../../src/engine/rabbitmq/connection/capabilities.ts"
import { HISTORY_STREAM } from "../../src/engine/rabbitmq/history/history-stream.ts"
import { QUEUE_REGISTER } from "../../src/engine/rabbitmq/queues/queue-register.ts"
import type { RabbitMqEngine } from "../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { ChildProcess } from "../support/child-process.ts"
import { GivenBroker } from "../support/rabbitmq/given-broker.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { CONSUMER_TIMEOUT_MS, newEngine, VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../support/wait-until.ts"
import { describeEngine, describeFacts, type EngineHarness } from "./engine-contract.ts"

const START_TIMEOUT_MS = 60_000

/** An existing broker to use instead of the tests' own nodes. */
const url = process.env["RABBITMQ_TEST_URL"]

if (url) {
  const broker = new GivenBroker(url)
  const newPlace = async (): Promise<Place> => ({
    access: broker.access,
    clean: (names) => broker.clean(names),
  })
  describe("on the RabbitMQ of RABBITMQ_TEST_URL", () => describeBoth(newPlace))
} else {
  for (const installation of installations()) {
    describe(`on RabbitMQ of ${installation.root}`, () => {
      let node: RabbitMqNode

      beforeAll(async () => {
        node = await RabbitMqNode.start(installation)
      }, START_TIMEOUT_MS)

      afterAll(() => node[Symbol.asyncDispose]())

      describeBoth(async () => {
        const host = await VirtualHost.create(node)
        return { access: host.access, clean: () => host[Symbol.asyncDispose]() }
      })
    })
  }
}

/** A broker for the exclusive use of one case. */
interface Place {
  readonly access: BrokerAccess
  /** Removes what the case left, including these queues. */
  readonly clean: (queues: Iterable<string>) => Promise<void>
}

function describeBoth(newPlace: () => Promise<Place>): void {
  for (const queueType of ["quorum", "classic"] as const) {
    const harness = async () => newHarness(await newPlace(), queueType)
    describeEngine(`rabbitmq (${queueType} queues)`, harness)
    describeFacts(`rabbitmq (${queueType} queues)`, harness)
  }
}

function newHarness(place: Place, queueType: QueueType): EngineHarness {
  const declared = new Map<string, QueueDeclaration>()
  const used = new Set<string>()
  let engine: RabbitMqEngine | undefined
  return {
    /** Known after the engine was opened, because they depend on the broker's version. */
    get capabilities() {
      return (
        engine?.capabilities ??
        capabilitiesOf({ topology: { queueType }, consumerTimeoutMs: CONSUMER_TIMEOUT_MS }, null, true)
      )
    },

    /** The engine does not remember its queues: the caller declares them. */
    async open(options) {
      const opened = newEngine(place.access, queueType, options)
      engine = opened
      await opened.declareQueues([...declared.values()])
      await waitUntil(() => opened.status().state === "ready", "the engine to be ready")
      const declare = opened.declareQueues.bind(opened)
      opened.declareQueues = async (queues) => {
        await declare(queues)
        for (const queue of queues) {
          declared.set(queue.name, queue)
          used.add(queue.name)
        }
      }
      return opened
    },

    async forget(queues) {
      const { register } = engine?.queueAdministration ?? {}
      await waitUntil(
        () => queues.every((queue) => register?.get(queue) !== undefined),
        "the register to know",
      )
      await engine?.close()
      for (const queue of queues) declared.delete(queue)
    },

    async crashHolding(queue, count) {
      const script = new URL("../support/rabbitmq/hold-deliveries.ts", import.meta.url)
      const args = [JSON.stringify(place.access), queueType, queue, String(count)]
      await using child = new ChildProcess(script, args)
      return (await child.printed(count)).map((line) => JSON.parse(line))
    },

    async crashRedriving(queue) {
      const script = new URL("../support/redrive-until-killed.ts", import.meta.url)
      const where = JSON.stringify({ access: place.access, queueType })
      await using child = new ChildProcess(script, [queue, where])
      await child.killed()
    },

    async [Symbol.asyncDispose]() {
      await engine?.close()
      await place.clean([...used, QUEUE_REGISTER, HISTORY_STREAM])
    },
  }
}

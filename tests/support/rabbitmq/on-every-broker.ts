import { afterAll, beforeAll, describe } from "bun:test"
import { installations } from "./installation.ts"
import { RabbitMqNode } from "./node.ts"

const START_TIMEOUT_MS = 60_000

/**
 * Describes tests once for each installed RabbitMQ, each with a node of its own.
 * @param tests receives a function that returns the node, which exists when the tests run
 * @param prepare runs before the tests
 */
export function onEveryBroker(
  tests: (node: () => RabbitMqNode) => void,
  prepare: (node: RabbitMqNode) => Promise<void> = async () => {},
): void {
  for (const installation of installations()) {
    describe(`on RabbitMQ of ${installation.root}`, () => {
      let node: RabbitMqNode

      beforeAll(async () => {
        node = await RabbitMqNode.start(installation)
        await prepare(node)
      }, START_TIMEOUT_MS)

      afterAll(() => node[Symbol.asyncDispose]())

      tests(() => node)
    })
  }
}

import { SETTLING_MS } from "../tests/support/counting-service.ts"
import { held } from "../tests/support/rabbitmq/held.ts"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { OtherProgram } from "./other-program.ts"

/** How long a killed broker stays down, in milliseconds. */
const AWAY_MS = 1_500

/** The system that the service runs on. */
export interface Place extends AsyncDisposable {
  readonly name: string
  readonly variables: Readonly<Record<string, string>>
  /** Kills the broker and starts it again; null if there is none. */
  readonly kill: (() => Promise<void>) | null
  /** Starts another program on the broker; null if there is none. */
  readonly otherProgram: ((queue: string) => OtherProgram) | null
  /** Time until new objects are safe, in milliseconds. */
  readonly settlingMs: number
  /** Returns what the broker holds for the service. */
  held(): Promise<readonly number[]>
}

export async function openPlace(engine: string): Promise<Place> {
  if (engine === "embedded") {
    return {
      name: "embedded",
      variables: {},
      kill: null,
      otherProgram: null,
      settlingMs: 0,
      held: async () => [],
      async [Symbol.asyncDispose]() {},
    }
  }
  const [installation] = installations()
  if (installation === undefined) throw new Error("there is no RabbitMQ to run on")
  const node = await RabbitMqNode.start(installation)
  return {
    name: `RabbitMQ ${(await node.control("version")).trim()}, quorum queues`,
    variables: { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) },
    async kill() {
      await node.kill()
      await Bun.sleep(AWAY_MS)
      await node.start()
    },
    otherProgram: (queue) => new OtherProgram(node, queue),
    settlingMs: SETTLING_MS,
    held: () => held(node),
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  }
}

import { expect, test } from "bun:test"
import { allHandled, countingFolder, isReady, SETTLING_MS } from "../support/counting-service.ts"
import { PublishLoad } from "../support/publish-load.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 180_000
const CONNECTIONS = 8
const PLENTY = 200

test.each(installations())(
  "the leader of a queue is killed in a cluster of three, on RabbitMQ of $root",
  async (installation) => {
    await using first = await RabbitMqNode.start(installation)
    await using second = await RabbitMqNode.start(installation, first)
    await using third = await RabbitMqNode.start(installation, first)
    const nodes = [first, second, third]
    await using folder = countingFolder()
    const service = await folder.start({
      RABBITMQ_HOST: nodes.map(({ port }) => `127.0.0.1:${port}`).join(","),
      WORKER_POOL_SIZE: "2",
    })
    await waitUntil(() => isReady(service), "the service to be ready")
    const load = new PublishLoad(service, CONNECTIONS)
    await waitUntil(() => load.answered.size >= PLENTY, "the load to flow")
    await Bun.sleep(SETTLING_MS)

    for (let round = 0; round < 2; round++) {
      const leader = await leaderOf(nodes)
      await leader.kill()
      const answered = load.answered.size
      await waitUntil(
        () => load.answered.size >= answered + PLENTY,
        "the load to flow with another leader",
        TIMEOUT_MS / 3,
      )
      await leader.start()
      await waitUntil(() => isReady(service), "the service to be ready")
    }
    await load.stop()
    expect([...load.refused.keys()].filter((status) => status !== 503 && status !== 504)).toEqual([])
    await allHandled(folder, load.answered)
    expect(await service.stop()).toBe(0)
  },
  TIMEOUT_MS,
)

/** Returns the node that leads the queue of the load. Any running node of the cluster knows it. */
async function leaderOf(nodes: readonly RabbitMqNode[]): Promise<RabbitMqNode> {
  let leader: RabbitMqNode | undefined
  await waitUntil(async () => {
    const answers = nodes.map((node) => node.manage("GET", "queues/%2F/custom_events"))
    const queue = (await Promise.any(answers).catch(() => null)) as { readonly leader?: string } | null
    leader = nodes.find(({ name }) => name === queue?.leader)
    return leader !== undefined
  }, "a leader")
  if (leader === undefined) throw new Error("unreachable: the leader was just seen")
  return leader
}

import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"
import { Inbox } from "./inbox.ts"
import { statsOf } from "./queue-stats.ts"

/** Returns the ids of the waiting events in a queue of a store that no service uses. */
export async function storedIds(dataDir: string, queue: string): Promise<ReadonlySet<string>> {
  const engine = EmbeddedEngine.open({ dataDir })
  try {
    const { messageCount } = await statsOf(engine, queue)
    const deliveries = await new Inbox(engine, queue, messageCount + 1).take(messageCount)
    return new Set(deliveries.map(({ body }) => JSON.parse(body).id))
  } finally {
    await engine.close()
  }
}

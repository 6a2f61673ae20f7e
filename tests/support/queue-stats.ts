import type { Engine, QueueStats } from "../../src/engine/engine.ts"

export async function statsOf(engine: Engine, queue: string): Promise<QueueStats> {
  const stats = (await engine.queueStats()).find(({ name }) => name === queue)
  if (stats === undefined) throw new Error(`the engine reports nothing about the queue ${queue}`)
  return stats
}

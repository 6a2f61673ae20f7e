/**
 * A process that redrives all dead letters of a queue, and kills itself when the first are back on the queue.
 * Arguments: the queue, and as JSON the embedded store's folder, or the broker and the queue type.
 */
import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"
import { queueDeclaration } from "./queue-declaration.ts"
import { statsOf } from "./queue-stats.ts"
import { newEngine } from "./rabbitmq/virtual-host.ts"
import { waitUntil } from "./wait-until.ts"

const [queue = "", where = "{}"] = process.argv.slice(2)
const { dataDir, access, queueType } = JSON.parse(where)

const engine = access === undefined ? EmbeddedEngine.open({ dataDir }) : newEngine(access, queueType)
await engine.declareQueues([queueDeclaration(queue)])
await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
const killOnceBegun = async (): Promise<void> => {
  await waitUntil(async () => (await statsOf(engine, queue)).messageCount > 0, "the redrive to begin")
  process.kill(process.pid, "SIGKILL")
}
await Promise.all([engine.redrive(queue, {}), killOnceBegun()])

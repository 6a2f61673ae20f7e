/**
 * A process that fills the disk under its store, acks a delivery that can't be written, and closes the
 * engine. Its argument is the store's folder. It ends by itself when nothing is left to do.
 */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"
import { RESERVE_FILE } from "../../src/engine/embedded/store/store-files.ts"
import { Inbox } from "./inbox.ts"
import { newEvent } from "./new-event.ts"
import { queueDeclaration } from "./queue-declaration.ts"
import { fillWith } from "./small-disk.ts"
import { waitUntil } from "./wait-until.ts"

const dataDir = process.argv[2] ?? ""
const engine = EmbeddedEngine.open({ dataDir })
await engine.declareQueues([queueDeclaration("calls")])
await engine.publish(newEvent({ routing_key: "calls" }))
const delivery = await new Inbox(engine, "calls").next()
rmSync(join(dataDir, RESERVE_FILE), { force: true })
fillWith(join(dataDir, "filler"))
delivery.ack().catch(() => {})
await waitUntil(() => engine.status().state === "unavailable", "the engine to find the disk full")
await engine.close()
process.stdout.write("closed\n")

/** A process that opens a store and keeps it open. Its argument is the folder. Prints `open`. */
import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"

EmbeddedEngine.open({ dataDir: process.argv[2] ?? "" })
process.stdout.write("open\n")

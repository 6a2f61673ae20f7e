/**
 * A process that runs one handler. Its arguments are the module's functions, as source text, and the name of
 * one. Prints the result as a line of JSON.
 */
import { RunningPool } from "./running-pool.ts"

const [functions = "", handler = ""] = process.argv.slice(2)

await using running = await RunningPool.start(functions)
process.stdout.write(`${JSON.stringify(await running.run(handler))}\n`)

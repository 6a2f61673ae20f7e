/**
 * Measures the cost of enforced schemas, of 20 open consoles and of 500 clients of the live stream to publishing. Each is
 * compared with the plain service in pairs of runs. Arguments: rounds, seconds per round, connections.
 */
import { join } from "node:path"
import { median, print, run, start } from "./measure.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "5", seconds = "3", connections = "64"] = process.argv.slice(2)
const SCHEMAS_DIR = join(import.meta.dir, "..", "examples", "schemas")

const CLIENTS = 500
const CONSOLES = 20

const rateOf = (server: ServerProcess): Promise<number> => run("load.ts", [server.url, connections, seconds])

async function withSchemas(): Promise<number> {
  await using server = await ServerProcess.broker({ SCHEMAS_DIR, SCHEMA_VALIDATION: "enforce" })
  return await rateOf(server)
}

async function withoutAny(): Promise<number> {
  await using server = await ServerProcess.broker()
  return await rateOf(server)
}

/** @param topics the topics of the clients */
const withClients = (topics: string): Promise<number> =>
  withProcess("live-clients.ts", [String(CLIENTS), topics])

const withConsoles = (): Promise<number> => withProcess("console-clients.ts", [String(CONSOLES)])

async function withProcess(script: string, args: readonly string[]): Promise<number> {
  await using server = await ServerProcess.broker()
  const clients = start(script, [server.url, ...args])
  // It prints a line when all clients are connected.
  await clients.stdout.getReader().read()
  try {
    return await rateOf(server)
  } finally {
    clients.kill("SIGKILL")
    await clients.exited
  }
}

async function compare(name: string, with_: () => Promise<number>, toReach: number): Promise<void> {
  console.log(`\n${name}; publishes per second:\nround                           without     with  ratio`)
  const ratios: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    // Each goes first in turn, because the second one finds a warmer machine.
    const isFirst = round % 2 === 0
    const early = isFirst ? await with_() : 0
    const without = await withoutAny()
    const measured = isFirst ? early : await with_()
    ratios.push(measured / without)
    print(`round ${round}`, without, measured)
  }
  console.log(`median ratio ${median(ratios).toFixed(2)} (target: ${toReach})`)
}

await compare("schemas enforced", withSchemas, 0.9)
await compare(`${CONSOLES} open consoles`, withConsoles, 0.95)
await compare(`${CLIENTS} clients watch alerts`, () => withClients("events.notification.%23"), 0.9)
await compare(`${CLIENTS} clients watch every event`, () => withClients("%23"), 0.9)
await compare(
  `${CLIENTS} clients watch every event, each with topics of its own`,
  () => withClients("%23,INDEX"),
  0.9,
)

/**
 * What a publish costs more: with schemas enforced, and with 500 clients of the live stream. Each is compared in pairs
 * of runs with the service without. Arguments: rounds, seconds a round, connections.
 */
import { join } from "node:path"
import { median, print, run, start } from "./measure.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "5", seconds = "3", connections = "64"] = process.argv.slice(2)
const SCHEMAS_DIR = join(import.meta.dir, "..", "examples", "schemas")

const CLIENTS = 500

const rateOf = (server: ServerProcess): Promise<number> => run("load.ts", [server.url, connections, seconds])

async function withSchemas(): Promise<number> {
  await using server = await ServerProcess.broker({ SCHEMAS_DIR, SCHEMA_VALIDATION: "enforce" })
  return await rateOf(server)
}

async function withoutAny(): Promise<number> {
  await using server = await ServerProcess.broker()
  return await rateOf(server)
}

/** @param topics what the clients look at */
async function withClients(topics: string): Promise<number> {
  await using server = await ServerProcess.broker()
  const clients = start("live-clients.ts", [server.url, String(CLIENTS), topics])
  // It prints a line once all of them look.
  await clients.stdout.getReader().read()
  try {
    return await rateOf(server)
  } finally {
    clients.kill("SIGKILL")
    await clients.exited
  }
}

async function compare(name: string, with_: () => Promise<number>, toReach: number): Promise<void> {
  console.log(`\n${name}; publishes a second:\nround                           without     with  ratio`)
  const ratios: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    // Each first in turn, since what comes second finds a warmer machine.
    const isFirst = round % 2 === 0
    const early = isFirst ? await with_() : 0
    const without = await withoutAny()
    const measured = isFirst ? early : await with_()
    ratios.push(measured / without)
    print(`round ${round}`, without, measured)
  }
  console.log(`median ratio ${median(ratios).toFixed(2)} (to reach: ${toReach})`)
}

await compare("schemas enforced", withSchemas, 0.9)
await compare(`${CLIENTS} clients look at alerts`, () => withClients("events.notification.%23"), 0.9)
await compare(`${CLIENTS} clients look at every event`, () => withClients("%23"), 0.9)
await compare(
  `${CLIENTS} clients look at every event, each by topics of its own`,
  () => withClients("%23,INDEX"),
  0.9,
)

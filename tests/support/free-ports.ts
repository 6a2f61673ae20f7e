import { createServer } from "node:net"

/**
 * First port for the tests' processes: below the ephemeral ports of the system (from 32768), so that no
 * connection or server of another test takes one before it is used.
 */
const FIRST_PORT = 12_000
const PORTS_OF_PROCESS = 4_000

/** Index of this process among parallel ones, from 0. Bun counts from 1. */
const PROCESS = Math.max(0, Number(process.env["BUN_TEST_WORKER_ID"] ?? 1) - 1)

/** Random, because other test runs on this machine use the same range. */
let next = Math.floor(Math.random() * PORTS_OF_PROCESS)

/** Returns ports that nobody is listening on. None is returned twice soon. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = FIRST_PORT + PROCESS * PORTS_OF_PROCESS + (next++ % PORTS_OF_PROCESS)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  server.once("error", () => resolve(false))
  server.listen(port, "127.0.0.1", () => resolve(true))
  const isListening = await promise
  if (isListening) await new Promise((closed) => server.close(closed))
  return isListening
}

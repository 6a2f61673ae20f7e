import { createServer } from "node:net"

/**
 * Where each process of tests looks for ports: below those that the system gives out by itself (from 32768), so that no
 * connection or server of another test takes one before it is used.
 */
const FIRST_PORT = 12_000
const PORTS_OF_PROCESS = 4_000

/** Which of the processes that run side by side this is, from 0. Bun counts them from 1. */
const PROCESS = Math.max(0, Number(process.env["BUN_TEST_WORKER_ID"] ?? 1) - 1)

/** Random: other test runs on this machine look in the same places. */
let next = Math.floor(Math.random() * PORTS_OF_PROCESS)

/** Ports that nobody listens on at this moment; none is given out twice soon. */
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

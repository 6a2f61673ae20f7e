import { run, type Throughput } from "./measure.ts"
import type { ServerProcess } from "./server-process.ts"

/** Publishes single events over some connections for some seconds. */
export async function publishRate(
  server: ServerProcess,
  connections: string,
  seconds: string,
): Promise<Throughput> {
  const cpuMs = await server.cpuMs()
  const startedAt = performance.now()
  const rate = await run("load.ts", [server.url, connections, seconds])
  const published = (rate * (performance.now() - startedAt)) / 1_000
  return { rate, cpuUs: (((await server.cpuMs()) - cpuMs) * 1_000) / published }
}

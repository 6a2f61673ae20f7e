import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { Backlog } from "./backlog.ts"
import { draft } from "./draft.ts"
import { drainRate } from "./drain-rate.ts"
import { queueDepth } from "./queue-depth.ts"
import { recognisedSpeech } from "./recognised-speech.ts"
import { BROKER, ServerProcess } from "./server-process.ts"

/** Some seconds of work. */
const BACKLOG = 100_000
const BATCH = 1_000

/** Returns how many events per second of a backlog these handlers handle, on the embedded engine. */
export async function handledRateEmbedded(handlers: string, binary = BROKER): Promise<number> {
  using folder = temporaryFolder()
  const environment = { DATA_DIR: folder.path }
  {
    await using filled = await ServerProcess.broker({ ...environment, HANDLERS_DIR: "" }, binary)
    await fill(filled.url)
  }
  await using server = await ServerProcess.broker({ ...environment, HANDLERS_DIR: handlers }, binary)
  return await drainRate(BACKLOG, () => queueDepth(server.url))
}

/** Like `handledRateEmbedded`, on RabbitMQ; the queue must exist. */
export async function handledRateRabbitMq(
  port: number,
  environment: Readonly<Record<string, string>>,
  handlers: string,
  binary = BROKER,
): Promise<number> {
  await using backlog = await Backlog.open(port, "voice_events", BACKLOG)
  await backlog.fill(recognisedSpeech)
  await using _ = await ServerProcess.broker({ ...environment, HANDLERS_DIR: handlers }, binary)
  return await backlog.drainRate()
}

async function fill(url: string): Promise<void> {
  const body = JSON.stringify({ events: Array.from({ length: BATCH }, () => draft()) })
  const headers = { "Content-Type": "application/json" }
  for (let filled = 0; filled < BACKLOG; filled += BATCH) {
    const { status } = await fetch(`${url}/api/v1/events/batch`, { method: "POST", headers, body })
    if (status !== 201) throw new Error(`the batch got the response ${status}`)
  }
}

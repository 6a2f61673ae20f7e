import { type RunningService, ServiceFolder } from "./running-service.ts"
import { waitUntil } from "./wait-until.ts"

const HANDLED_WITHIN_MS = 60_000

/**
 * RabbitMQ 3.10 writes where a new quorum queue is half a second after it was declared: killed before, the queue
 * is lost for good, and takes nothing any more.
 */
export const SETTLING_MS = 2_000

/** A folder whose one module writes the id of each event that it is given into the journal. */
export function countingFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write(
    "handlers/counted.ts",
    `export default { queue: "custom_events", on: { async counted(event) { ${folder.journal("event.id")} } } }`,
  )
  return folder
}

/** Whether it would be sent traffic. */
export const isReady = async (service: RunningService) => (await service.get("/health/ready")).status === 200

/** Waits until the journal has every one of these ids. */
export async function allHandled(folder: ServiceFolder, answered: ReadonlySet<string>): Promise<void> {
  const left = () => answered.size - new Set(folder.journalLines()).intersection(answered).size
  await waitUntil(() => left() === 0, "every answered event to be handled", HANDLED_WITHIN_MS)
}

import { type RunningService, ServiceFolder } from "./running-service.ts"
import { waitUntil } from "./wait-until.ts"

const HANDLED_WITHIN_MS = 60_000

/**
 * RabbitMQ 3.10 saves the location of a new quorum queue half a second after its declaration. If it is killed
 * earlier, the queue is lost for good and accepts nothing any more.
 */
export const SETTLING_MS = 2_000

/** Returns a folder whose only module writes the id of each event to the journal. */
export function countingFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write(
    "handlers/counted.ts",
    `export default { queue: "custom_events", on: { async counted(event) { ${folder.journal("event.id")} } } }`,
  )
  return folder
}

/** Returns whether the service is ready for traffic. */
export const isReady = async (service: RunningService) => (await service.get("/health/ready")).status === 200

/** Waits until the journal contains all of these ids. */
export async function allHandled(folder: ServiceFolder, answered: ReadonlySet<string>): Promise<void> {
  const left = () => answered.size - new Set(folder.journalLines()).intersection(answered).size
  await waitUntil(() => left() === 0, "every answered event to be handled", HANDLED_WITHIN_MS)
}

import type { RunningService, ServiceFolder } from "./running-service.ts"
import { waitUntil } from "./wait-until.ts"

/** Makes the text of a module that notes its version in the journal with each event. */
export const versioned = (folder: ServiceFolder, version: string): string =>
  `export default { queue: "custom_events", on: { "*"() { ${folder.journal(JSON.stringify(version))} } } }`

/** Publishes until an event is handled by this version. */
export async function handledBy(
  service: RunningService,
  folder: ServiceFolder,
  version: string,
): Promise<void> {
  await waitUntil(async () => {
    await service.publish({ name: "tried" })
    return folder.journalLines().at(-1) === version
  }, `an event to be handled by ${version}`)
}

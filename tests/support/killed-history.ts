import type { RunningService, ServiceFolder } from "./running-service.ts"
import { waitUntil } from "./wait-until.ts"
import { type ListedEvent, wholeHistory } from "./whole-history.ts"

const CLIENTS = 8

/** Writes a module that handles events at the first run or, every fourth one, at the second, and notes each run. */
export function writeNotingModule(folder: ServiceFolder): void {
  const journal = folder.journal("event.id")
  folder.write(
    "handlers/noted.ts",
    `export default {
      queue: "custom_events", retry: { attempts: 20, backoff: { initial: 10, factor: 1 } },
      on: {
        async steady(event) { ${journal} },
        async shaky(event, ctx) { ${journal}; if (ctx.attempt === 1) throw new Error("the first time") },
      },
    }`,
  )
}

/** Publishes with several clients until the service is gone. Adds each id that was answered 201. */
export async function publishUntilGone(service: RunningService, answered: Set<string>): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, () => publishOneByOne(service, answered)))
}

async function publishOneByOne(service: RunningService, answered: Set<string>): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      answered.add(await service.publish({ name: n % 4 === 0 ? "shaky" : "steady", payload: { n } }))
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("answered")) throw error
      return
    }
  }
}

/** Waits until the history says that every event is handled, and returns them. */
export async function handledHistory(
  service: RunningService,
  isHandled = ({ status }: ListedEvent): boolean => status === "completed",
): Promise<readonly ListedEvent[]> {
  let listed: readonly ListedEvent[] = []
  await waitUntil(async () => {
    listed = await wholeHistory(service)
    return listed.every(isHandled)
  }, "every event of the history to be handled")
  return listed
}

/** Returns the events with more attempts in the history than the module has noted. A run that a kill cut short has no fact. */
export function inventedRuns(listed: readonly ListedEvent[], folder: ServiceFolder): readonly ListedEvent[] {
  const runs = Map.groupBy(folder.journalLines(), (id) => id)
  return listed.filter(({ id, queues }) => (queues[0]?.attempts ?? 0) > (runs.get(id)?.length ?? 0))
}

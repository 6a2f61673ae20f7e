import { describe, test } from "bun:test"
import { isReady } from "../../support/counting-service.ts"
import { type RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import { batchCases } from "./batch-cases.ts"
import { concurrencyCases } from "./concurrency-cases.ts"
import { countCases } from "./count-cases.ts"
import { heartbeatCases } from "./heartbeat-cases.ts"
import { hookCases } from "./hook-cases.ts"
import { loopCases } from "./loop-cases.ts"
import { misbehavingCases } from "./misbehaving-cases.ts"
import { onceCases } from "./once-cases.ts"
import { orderingCases } from "./ordering-cases.ts"
import { pauseCases } from "./pause-cases.ts"
import { priorityCases } from "./priority-cases.ts"
import { reloadCases } from "./reload-cases.ts"
import { retryCases } from "./retry-cases.ts"
import { runningCases } from "./running-cases.ts"
import { serviceEventCases } from "./service-event-cases.ts"
import { watchCases } from "./watch-cases.ts"

type Variables = Readonly<Record<string, string>>

/** An engine for the service. It starts without events, and is removed afterwards. */
export interface EngineForService extends AsyncDisposable {
  readonly variables: Variables
}

/** The service of a case. */
export interface DeliveryHarness {
  readonly folder: ServiceFolder
  /** Starts it, with these variables besides those of its engine, and waits until it is ready. */
  start(variables?: Variables): Promise<RunningService>
}

/** A promise about delivery. Its title is a sentence about the service. */
export interface DeliveryCase {
  readonly title: string
  run(harness: DeliveryHarness): Promise<void>
}

const CASE_TIMEOUT_MS = 60_000

type Theme = readonly [theme: string, cases: readonly DeliveryCase[]]

/** Cases that also depend on how the queue itself works. */
const QUEUE_THEMES: readonly Theme[] = [
  ["retries", retryCases],
  ["priorities", priorityCases],
  ["publishing once", onceCases],
  ["ordering keys", orderingCases],
  ["batches", batchCases],
  ["pausing", pauseCases],
  ["concurrency", concurrencyCases],
  ["running events", runningCases],
]

/** Cases of the service around the queues. */
const SERVICE_THEMES: readonly Theme[] = [
  ["heartbeats", heartbeatCases],
  ["setup and teardown", hookCases],
  ["reloads", reloadCases],
  ["reloads with RELOAD=watch after", watchCases],
  ["loops", loopCases],
  ["events of the service itself", serviceEventCases],
  ["handlers that misbehave", misbehavingCases],
  ["counts", countCases],
]

/** Runs every case with the compiled service, each in its own folder and on its own engine. */
export function describeDelivery(name: string, newEngine: () => Promise<EngineForService>): void {
  describeThemes(name, newEngine, [...QUEUE_THEMES, ...SERVICE_THEMES])
}

/** Runs only the cases that depend on how the queue works, for another type of queue of the same broker. */
export function describeQueueDelivery(name: string, newEngine: () => Promise<EngineForService>): void {
  describeThemes(name, newEngine, QUEUE_THEMES)
}

function describeThemes(
  name: string,
  newEngine: () => Promise<EngineForService>,
  themes: readonly Theme[],
): void {
  describe(`delivery on ${name}`, () => {
    for (const [theme, cases] of themes) {
      describe(theme, () => {
        for (const { title, run } of cases) {
          const runAlone = async () => {
            await using engine = await newEngine()
            await using folder = new ServiceFolder()
            const start = async (variables: Variables = {}) => {
              const service = await folder.start({ ...engine.variables, ...variables })
              await waitUntil(() => isReady(service), "the service to be ready")
              return service
            }
            await run({ folder, start })
          }
          test(title, runAlone, CASE_TIMEOUT_MS)
        }
      })
    }
  })
}

import { describe, test } from "bun:test"
import type { Engine, EngineCapabilities } from "../../src/engine/engine.ts"
import { administrationCases } from "./administration-cases.ts"
import { countCases } from "./count-cases.ts"
import { deadLetterCases } from "./dead-letter-cases.ts"
import { durabilityCases } from "./durability-cases.ts"
import { factsCases } from "./facts-cases.ts"
import { keyOrderCases } from "./key-order-cases.ts"
import { limitCases } from "./limit-cases.ts"
import { lineageCases } from "./lineage-cases.ts"
import { onceCases } from "./once-cases.ts"
import { orderCases } from "./order-cases.ts"
import { prefetchCases } from "./prefetch-cases.ts"
import { publishCases } from "./publish-cases.ts"
import { queueCases } from "./queue-cases.ts"
import { retryCases } from "./retry-cases.ts"
import { ttlCases } from "./ttl-cases.ts"
import { watchCases } from "./watch-cases.ts"

/** One engine for one case. It starts without queues and events, and leaves nothing behind. */
export interface EngineHarness extends AsyncDisposable {
  readonly capabilities: EngineCapabilities

  /**
   * Opens the engine on the stored state. Close the previous one first.
   * @param options.recordsFacts whether it has a list of facts. Default: false
   */
  open(options?: { readonly recordsFacts?: boolean }): Promise<Engine>

  /** Closes the engine. The next one no longer declares these queues. */
  forget(queues: readonly string[]): Promise<void>

  /**
   * Starts a process that takes `count` events of the queue, and kills it (SIGKILL) while it holds them. The
   * engine must be closed. Returns the deliveries of that process.
   */
  crashHolding(queue: string, count: number): Promise<readonly HeldDelivery[]>

  /**
   * Starts a process that redrives all dead letters of the queue, and kills it (SIGKILL) when the first are
   * back on the queue. The engine must be closed.
   */
  crashRedriving(queue: string): Promise<void>
}

/** A delivery as the killed process saw it. */
export interface HeldDelivery {
  readonly body: string
  readonly attempt: number
}

/** One promise of the port, as a sentence about the engine. */
export interface ContractCase {
  readonly title: string
  run(harness: EngineHarness): Promise<void>
}

/** Longer than any single wait of a case, so that the failure names the condition that was not met. */
const CASE_TIMEOUT_MS = 60_000

const CASES: readonly (readonly [theme: string, cases: readonly ContractCase[]])[] = [
  ["publishing", publishCases],
  ["publishing once", onceCases],
  ["queues", queueCases],
  ["counts", countCases],
  ["deleting, purging and unbinding queues", administrationCases],
  ["length limits", limitCases],
  ["order", orderCases],
  ["order by key", keyOrderCases],
  ["time to live", ttlCases],
  ["retries", retryCases],
  ["lineage", lineageCases],
  ["prefetch and cancelling", prefetchCases],
  ["dead letters", deadLetterCases],
  ["durability", durabilityCases],
  ["watching", watchCases],
]

/** Tests an engine against the port: every case, each with an engine of its own. */
export const describeEngine = (name: string, newHarness: () => Promise<EngineHarness>): void =>
  describeCases(name, newHarness, CASES)

/** Tests the list of facts of an engine that has one. */
export const describeFacts = (name: string, newHarness: () => Promise<EngineHarness>): void =>
  describeCases(name, newHarness, [["facts", factsCases]])

function describeCases(name: string, newHarness: () => Promise<EngineHarness>, themes: typeof CASES): void {
  describe(`the ${name} engine`, () => {
    for (const [theme, cases] of themes) {
      describe(theme, () => {
        for (const { title, run } of cases) {
          const runAlone = async () => {
            await using harness = await newHarness()
            await run(harness)
          }
          test(title, runAlone, CASE_TIMEOUT_MS)
        }
      })
    }
  })
}

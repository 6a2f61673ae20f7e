import type { ErrorSummary } from "../../src/event/failure.ts"
import type { ModuleManifest } from "../../src/handlers/manifest.ts"
import type { Attempt } from "../../src/workers/attempt.ts"
import { type JobRequest, requestOf } from "../../src/workers/job-request.ts"
import { failureRecord } from "./failure-record.ts"
import { newEvent } from "./new-event.ts"

/** Returns a plain manifest with the overrides of the test. */
export function moduleManifest(overrides: Partial<ModuleManifest> = {}): ModuleManifest {
  return {
    file: "tested.ts",
    queue: "custom_events",
    bindings: null,
    names: ["tested"],
    attempts: 3,
    backoff: { initialMs: 1_000, factor: 2, maxMs: 60_000 },
    timeoutMs: 30_000,
    concurrency: null,
    batch: null,
    isSingleActiveConsumer: false,
    ...overrides,
  }
}

/** What a test says of an attempt. */
export interface AttemptOverrides extends Partial<Omit<Attempt, "target" | "lastFailure">> {
  readonly manifest?: ModuleManifest
  readonly handler?: string
  /** The module set of the function. */
  readonly generation?: string
  /** The error of the attempt before. */
  readonly lastError?: ErrorSummary
  /** True if the attempt before took a worker down. */
  readonly isAlone?: boolean
}

/** Returns an attempt of a plain event. */
export function newAttempt({
  manifest = moduleManifest(),
  handler = "tested",
  generation = "",
  lastError,
  isAlone = false,
  ...overrides
}: AttemptOverrides = {}): Attempt {
  const event = newEvent()
  const reason = isAlone ? "worker-crashed" : "error"
  return {
    target: { generation, module: 0, manifest, handler },
    queue: "custom_events",
    eventId: event.id,
    body: JSON.stringify(event),
    priority: 4,
    attempt: 1,
    lastFailure: lastError || isAlone ? failureRecord({ reason, error: lastError ?? null }) : null,
    trace: null,
    lineage: null,
    replay: null,
    link: "custom/tested",
    isLost: () => false,
    takenBackAt: null,
    ...overrides,
  }
}

/** Returns the request for an attempt of a plain event. */
export const jobRequest = (overrides: AttemptOverrides = {}): JobRequest => requestOf(newAttempt(overrides))

import type { ModuleManifest } from "../../src/handlers/manifest.ts"
import type { EventRequest } from "../../src/workers/job-request.ts"
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
    batch: null,
    isSingleActiveConsumer: false,
    ...overrides,
  }
}

/** Returns a pool request for a plain event. */
export function jobRequest(overrides: Partial<EventRequest> = {}): EventRequest {
  const event = newEvent()
  return {
    module: 0,
    manifest: moduleManifest(),
    handler: "tested",
    queue: "custom_events",
    eventId: event.id,
    body: JSON.stringify(event),
    priority: 4,
    attempt: 1,
    lastError: null,
    trace: null,
    isAlone: false,
    isLost: () => false,
    ...overrides,
  }
}

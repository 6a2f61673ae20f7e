import { PublishError } from "../../src/engine/errors.ts"
import type { EngineHarness } from "./engine-contract.ts"

/** How far a queue without an exact limit may exceed it when it is filled one event at a time. */
const MAX_OVERSHOOT = 100

/**
 * Fills a queue that has room for `room` events. Returns how many it accepted: as many, or a few more if the
 * engine's limits are not exact. The next publish is refused.
 */
export async function fill(
  harness: EngineHarness,
  room: number,
  publish: () => Promise<unknown>,
): Promise<number> {
  for (let i = 0; i < room; i++) await publish()
  if (harness.capabilities.hasExactLimits) return room
  for (let taken = room; taken <= room + MAX_OVERSHOOT; taken++) {
    try {
      await publish()
    } catch (error) {
      if (error instanceof PublishError && error.code === "queue-full") return taken
      throw error
    }
  }
  throw new Error(`a queue with room for ${room} events took ${MAX_OVERSHOOT} more`)
}

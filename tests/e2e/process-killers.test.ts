import { expect, test } from "bun:test"
import { killUntilDeadLetter, WAYS_TO_KILL } from "../support/killed-by-handlers.ts"

const TEST_TIMEOUT_MS = 60_000

test.each(WAYS_TO_KILL)(
  "an event whose handler calls %s is a dead letter at its limit, and the events beside it are handled",
  async (way) => {
    const killed = await killUntilDeadLetter(way, {}, true)
    expect(killed).toEqual(["kills 1", "kills 2", "kills 3"])
  },
  TEST_TIMEOUT_MS,
)

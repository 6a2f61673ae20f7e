import { expect, test } from "bun:test"
import { type QueueFigures, stateOf } from "../../src/commands/queue-state.ts"

const HANDLED: QueueFigures = {
  waiting: 0,
  max_length: 10,
  consumers: 1,
  has_module: true,
  is_paused: false,
  is_busy: false,
  is_orphaned: false,
}
const ALONE = { consumers: 0, has_module: false }

test.each([
  ["nothing for a queue that is handled", {}, ""],
  ["nothing for an empty predefined queue", ALONE, ""],
  ["nothing for a queue that another instance handles", { has_module: false, waiting: 3 }, ""],
  ["full", { waiting: 10 }, "full"],
  ["nothing if events wait that are taken already, and the queue has room", { waiting: 12, queued: 9 }, ""],
  ["that nothing handles waiting events", { ...ALONE, waiting: 1 }, "no handler module"],
  ["full and without a module", { ...ALONE, waiting: 10 }, "full and no handler module"],
  ["paused", { consumers: 0, is_paused: true }, "paused"],
  ["full and paused", { consumers: 0, is_paused: true, waiting: 11 }, "full and paused"],
  ["busy, if its workers take no more and events wait", { is_busy: true, waiting: 3 }, "busy"],
  ["nothing for a queue whose workers take no more, but that has no event for them", { is_busy: true }, ""],
  ["full and busy", { is_busy: true, waiting: 10 }, "full and busy"],
  ["orphaned", { ...ALONE, is_orphaned: true }, "orphaned"],
  ["full and orphaned", { ...ALONE, is_orphaned: true, waiting: 10 }, "full and orphaned"],
  ["that its module does not consume it", { consumers: 0 }, "not consumed"],
] as const)("the state of a queue says %s", (_, figures, state) => {
  expect(stateOf({ ...HANDLED, ...figures })).toBe(state)
})

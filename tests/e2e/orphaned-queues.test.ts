import { test } from "bun:test"
import { orphanedQueueFills, orphanedQueueIsTakenUp, queueIsPurged } from "../support/orphaned-queue.ts"

test("a queue whose module is gone fills, is reported everywhere, and is deleted", () =>
  orphanedQueueFills({}))

test("a queue whose module is gone can be unbound, and is consumed when the module comes back", () =>
  orphanedQueueIsTakenUp({}))

test("a queue is purged", () => queueIsPurged({}))

import { expect, test } from "bun:test"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { RecordedStatements } from "../../support/recorded-statements.ts"
import { waitUntil } from "../../support/wait-until.ts"

/** Longer than the longest JavaScript timer, which is 2^31 - 1 milliseconds, about 25 days. */
const MONTH_MS = 30 * 24 * 3_600_000

test("an engine whose only event is to be retried in a month does nothing meanwhile", async () => {
  await using store = new EmbeddedStore()
  using recorded = new RecordedStatements()
  const engine = store.open()
  await engine.declareQueues([queueDeclaration("calls"), queueDeclaration("witness", { ttlMs: 1 })])
  await engine.publish(newEvent({ routing_key: "calls" }))
  await (await new Inbox(engine, "calls").next()).retry(MONTH_MS, failureRecord())
  await engine.publish(newEvent({ routing_key: "witness" }))
  recorded.take()
  // Now only the periodic check for expired events causes a turn; this waits for the next one or two.
  await waitUntil(
    async () => (await statsOf(engine, "witness")).deadLetterCount === 1,
    "the witness to expire",
  )
  expect(recorded.take().filter((sql) => sql === "COMMIT").length).toBeLessThan(10)
  await engine.close()
}, 60_000)

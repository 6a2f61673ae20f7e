import { expect, test } from "bun:test"
import { factLine, type HistoryFact } from "../../src/event/history-fact.ts"
import { Outcomes } from "../../src/history/outcomes.ts"

test("an outcome has its times in seconds, as all answers do", async () => {
  const at = Date.now()
  const outcomes = new Outcomes()
  const shown: unknown[] = []
  await outcomes.watch({ onEvent: ({ body }) => shown.push(JSON.parse(body)), onGap: () => {} })
  const of = { id: "e-1", queue: "calls", at }
  const run = { module: "calls.ts", handler: "*", generation: "1", attempt: 1, duration_ms: 2 }
  const facts: HistoryFact[] = [
    {
      fact: "attempt",
      ...of,
      ...run,
      published_at: at - 500,
      outcome: "retry",
      reason: "error",
      next_at: at + 1_500,
      log: { lines: [{ at: at - 1, level: "info", text: "hello" }], omitted: 2 },
    },
    { fact: "attempt", ...of, ...run, outcome: "handled" },
    { fact: "dead-lettered", ...of, reason: "rejected" },
  ]
  const text = facts.map((fact) => factLine(fact)).join("\n")
  outcomes.show({ token: "t", position: "1", text })
  const seconds = at / 1_000
  const common = { id: "e-1", queue: "calls", at: seconds }
  expect(shown).toEqual([
    {
      ...common,
      ...run,
      published_at: (at - 500) / 1_000,
      outcome: "retry",
      reason: "error",
      next_attempt_at: (at + 1_500) / 1_000,
      log: { lines: [{ at: (at - 1) / 1_000, level: "info", text: "hello" }], omitted: 2 },
    },
    { ...common, ...run, outcome: "handled" },
    { ...common, reason: "rejected", outcome: "dead-letter", attempt: null },
  ])
})

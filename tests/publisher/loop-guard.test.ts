import { expect, test } from "bun:test"
import { LoopSuspectedError } from "../../src/event/errors.ts"
import { boundError } from "../../src/event/failure.ts"
import { type Lineage, lineageAfter } from "../../src/event/lineage.ts"
import { guardedLineage } from "../../src/publisher/loop-guard.ts"
import { newEvent } from "../support/new-event.ts"

const LONGEST_LINK = `notification/${"n".repeat(128)}`
const LONGEST_ID = "i".repeat(128)

test("an event is refused from the first hop that is too far, and never without a limit", () => {
  const cause = (hops: number) => ({
    id: "e-2",
    link: "custom/ping",
    lineage: { causedBy: "e-1", hops, chain: [] },
  })
  expect(guardedLineage(newEvent(), cause(15), 16)).toMatchObject({ causedBy: "e-2", hops: 16 })
  expect(() => guardedLineage(newEvent(), cause(16), 16)).toThrow(LoopSuspectedError)
  expect(guardedLineage(newEvent(), cause(16), 0)).toMatchObject({ hops: 17 })
})

test("the message of the error has room in a dead letter, with the longest ids and names", () => {
  let lineage: Lineage | null = null
  for (let n = 0; n < 1_000; n++) lineage = lineageAfter({ id: LONGEST_ID, link: LONGEST_LINK, lineage })
  const event = newEvent({ type: "notification", name: "n".repeat(128) })
  const refuse = () => guardedLineage(event, { id: LONGEST_ID, link: LONGEST_LINK, lineage }, 1_000)
  expect(refuse).toThrow(LoopSuspectedError)
  try {
    refuse()
  } catch (error) {
    const { message } = error as Error
    expect(boundError({ name: "", message }).message).toBe(message)
    expect(message).toEndWith(` → ${LONGEST_LINK}`)
  }
})

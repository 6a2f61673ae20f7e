import { describe, expect, test } from "bun:test"
import type { Lineage } from "../../../src/event/lineage.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import type { ForeignField } from "../../support/rabbitmq/foreign-fields.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"

const TIMEOUT_MS = 60_000

const BODY = Buffer.from('{"type":"voice","name":"tested","payload":{}}')

const text = (value: string): ForeignField => ({ type: "S", value })
const number = (value: number): ForeignField => ({ type: "I", value })

type Headers = readonly (readonly [string, ForeignField])[]

const CAUSE = ["x-caused-by", text("e-1")] as const
const CHAIN = ["x-chain", text("voice/first")] as const

const FROM_OTHERS: readonly (readonly [string, Headers, Lineage | null])[] = [
  [
    "goes on with a chain",
    [CAUSE, CHAIN, ["x-hops", number(3)]],
    { causedBy: "e-1", hops: 3, chain: ["voice/first"] },
  ],
  [
    "counts hops in 64 bits",
    [CAUSE, ["x-hops", { type: "l", value: 3n }]],
    { causedBy: "e-1", hops: 3, chain: [] },
  ],
  ["claims hops below zero", [CAUSE, ["x-hops", number(-3)]], { causedBy: "e-1", hops: 0, chain: [] }],
  [
    "claims hops above the bound",
    [CAUSE, ["x-hops", number(10_001)]],
    { causedBy: "e-1", hops: 0, chain: [] },
  ],
  [
    "gives fields of other types",
    [CAUSE, ["x-hops", text("many")], ["x-chain", number(7)]],
    { causedBy: "e-1", hops: 0, chain: [] },
  ],
  ["names no cause", [["x-hops", number(3)], CHAIN], null],
  [
    "names a cause that is not an id",
    [
      ["x-caused-by", text("a\nb")],
      ["x-hops", number(3)],
    ],
    null,
  ],
  ["has a table for a cause", [["x-caused-by", { type: "F", value: [] }]], null],
]

onEveryBroker((node) => {
  describe("with quorum queues", () => {
    test.each(FROM_OTHERS)(
      "the lineage of a message that %s is what is valid of it, at its first delivery and after a retry",
      async (_, headers, lineage) => {
        await using host = await SharedHost.open(node(), "quorum")
        await host.declare("calls")
        const inbox = new Inbox(host.engine, "calls")
        using program = await host.foreignProgram()
        program.publish("events", "calls", BODY, { headers })
        await program.confirmed()
        const first = await inbox.next()
        expect(first.lineage).toEqual(lineage)
        await first.retry(0, failureRecord())
        const second = await inbox.next()
        expect(second.lineage).toEqual(lineage)
        await second.deadLetter(deadLetterRecord())
      },
      TIMEOUT_MS,
    )
  })
})

import { expect, test } from "bun:test"
import { tierOf } from "../../../src/engine/rabbitmq/topology/delay-tier.ts"
import { tierName } from "../../../src/engine/rabbitmq/topology/topology.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import {
  encodeField,
  type ForeignField,
  type ForeignProperties,
} from "../../support/rabbitmq/foreign-fields.ts"
import type { ForeignProgram } from "../../support/rabbitmq/foreign-program.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"

const TIMEOUT_MS = 60_000

/** A delay longer than any test: the retry stays in its tier. */
const LONG_DELAY_MS = 60_000

/** Every field type, with values that JavaScript numbers can't represent exactly. */
const FIELDS: readonly (readonly [string, ForeignField])[] = [
  ["bool", { type: "t", value: 1 }],
  ["int8", { type: "b", value: -7 }],
  ["int16", { type: "s", value: -300 }],
  ["int32", { type: "I", value: -2_000_000_000 }],
  ["uint32", { type: "i", value: 4_000_000_000 }],
  ["int64", { type: "l", value: 2n ** 62n + 1n }],
  ["float", { type: "f", value: 0.1 }],
  ["double", { type: "d", value: 0.1 }],
  ["decimal", { type: "D", scale: 3, value: 123_456_789 }],
  ["time", { type: "T", value: 1_700_000_000n }],
  ["text", { type: "S", value: "grüezi" }],
  ["bytes", { type: "x", value: Uint8Array.of(0xff, 0) }],
  ["void", { type: "V" }],
  [
    "array",
    {
      type: "A",
      value: [{ type: "i", value: 4_000_000_000 }, { type: "V" }, { type: "D", scale: 2, value: 5 }],
    },
  ],
  [
    "table",
    {
      type: "F",
      value: [
        ["inner", { type: "F", value: [["uint32", { type: "i", value: 4_000_000_000 }]] }],
        ["time", { type: "T", value: 1_700_000_000n }],
      ],
    },
  ],
]

/** The bytes of each field as text. */
const SENT = new Map(FIELDS.map(([name, field]) => [name, encodeField(field).toString("hex")]))

const list = (key: string): ForeignField => ({ type: "A", value: [{ type: "S", value: key }] })

async function publish(program: ForeignProgram, properties: ForeignProperties): Promise<void> {
  const body = Buffer.from(JSON.stringify(newEvent({ routing_key: "calls" })))
  program.publish("events", "calls", body, properties)
  await program.confirmed()
}

onEveryBroker((node) => {
  test(
    "a retry, a dead letter and a redrive keep every header of another program byte for byte",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      const { engine } = host
      await host.declare("calls")
      using program = await host.foreignProgram()
      const received = async (queue: string) => {
        const headers = await program.take(queue)
        return new Map([...SENT.keys()].map((name) => [name, headers.get(name)?.toString("hex")]))
      }
      const inbox = new Inbox(engine, "calls")

      await publish(program, { headers: FIELDS })
      await (await inbox.next()).retry(LONG_DELAY_MS, failureRecord())
      expect(await received(tierName("calls", tierOf(LONG_DELAY_MS)))).toEqual(SENT)

      await publish(program, { headers: FIELDS })
      await (await inbox.next()).retry(0, failureRecord())
      await (await inbox.next()).deadLetter(deadLetterRecord())
      expect(await received("dead.calls")).toEqual(SENT)

      await publish(program, { headers: FIELDS })
      await (await inbox.next()).deadLetter(deadLetterRecord())
      await inbox.subscription.cancel()
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 1, remaining: 0 })
      expect(await received("calls")).toEqual(SENT)
    },
    TIMEOUT_MS,
  )

  test(
    "a message with CC and BCC reaches other queues once, and not again through its retries, dead letter or redrive",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      const { engine } = host
      await host.declare("calls")
      using program = await host.foreignProgram()
      // A copy that still had a CC would reach these queues.
      for (const queue of ["carbon", "blind"]) {
        await program.bind(queue, "events", queue)
        await program.bind(queue, "dead_letters", queue)
      }
      const depths = () => Promise.all([host.depthOf("carbon"), host.depthOf("blind")])
      const inbox = new Inbox(engine, "calls")
      await publish(program, {
        headers: [
          ["CC", list("carbon")],
          ["BCC", list("blind")],
        ],
      })
      expect(await depths()).toEqual([1, 1])
      await (await inbox.next()).retry(0, failureRecord())
      const again = await inbox.next()
      expect(await depths()).toEqual([1, 1])
      await again.retry(100, failureRecord())
      const last = await inbox.next()
      expect(await depths()).toEqual([1, 1])
      await last.deadLetter(deadLetterRecord())
      expect(await depths()).toEqual([1, 1])
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 1, remaining: 0 })
      expect((await inbox.next()).attempt).toBe(1)
      expect(await depths()).toEqual([1, 1])
    },
    TIMEOUT_MS,
  )
})

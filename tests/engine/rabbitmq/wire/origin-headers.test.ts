import { expect, test } from "bun:test"
import { AMQPMessage, type AMQPProperties } from "@cloudamqp/amqp-client"
import {
  deadLetterOf,
  propertiesOf,
  redriveOf,
  retryOf,
} from "../../../../src/engine/rabbitmq/wire/encode.ts"
import { ownOriginOf } from "../../../../src/engine/rabbitmq/wire/origin-headers.ts"
import type { Lineage } from "../../../../src/event/lineage.ts"
import { deadLetterRecord, failureRecord } from "../../../support/failure-record.ts"
import { newEvent } from "../../../support/new-event.ts"

const LINEAGE: Lineage = { causedBy: "e-1", hops: 2, chain: ["custom/first", "voice/call.ended"] }

function messageWith(properties: AMQPProperties): AMQPMessage {
  const message: AMQPMessage = Object.create(AMQPMessage.prototype)
  return Object.assign(message, { body: Buffer.from("{}"), properties })
}

test("an event that came from outside has no header more", () => {
  expect(Object.keys(propertiesOf(newEvent(), {}).headers ?? {})).toEqual([
    "x-event-type",
    "x-event-name",
    "x-retry-count",
  ])
})

test.each(["full", "minimal"] as const)(
  "%s copies for retries and dead letters have the lineage; one for a redrive starts at 0 hops",
  (detail) => {
    const message = messageWith(propertiesOf(newEvent(), { lineage: LINEAGE }))
    const lineageIn = ({ properties }: { readonly properties: AMQPProperties }) =>
      ownOriginOf(messageWith(properties)).lineage
    expect(lineageIn(retryOf(message, "calls", failureRecord(), detail))).toEqual(LINEAGE)
    expect(lineageIn(deadLetterOf(message, deadLetterRecord(), detail))).toEqual(LINEAGE)
    expect(lineageIn(redriveOf(message, detail))).toEqual({ causedBy: "e-1", hops: 0, chain: [] })
  },
)

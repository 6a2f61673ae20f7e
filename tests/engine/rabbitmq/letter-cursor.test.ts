import { expect, test } from "bun:test"
import { AMQPMessage } from "@cloudamqp/amqp-client"
import { LetterCursor } from "../../../src/engine/rabbitmq/dead-letters/letter-cursor.ts"
import { WireProperties } from "../../../src/engine/rabbitmq/wire/wire-properties.ts"
import { encodeProperties, type ForeignField } from "../../support/rabbitmq/foreign-fields.ts"

function letter(body: string, failure: ForeignField): AMQPMessage {
  const message: AMQPMessage = Object.create(AMQPMessage.prototype)
  const properties = encodeProperties({ headers: [["x-failure", failure]] })
  message.properties = WireProperties.decode(properties)
  message.body = Buffer.from(body)
  return message
}

test.each<ForeignField>([
  { type: "S", value: "a failure" },
  { type: "F", value: [["reason", { type: "S", value: "bored" }]] },
  { type: "A", value: [{ type: "F", value: [] }] },
  { type: "x", value: "bytes" },
  { type: "V" },
])(
  "a cursor points to the letter that it was made at, whatever another program calls its failure (%j)",
  (failure) => {
    const cursor = LetterCursor.parse(LetterCursor.at(7, letter("one", failure)).toString())
    expect(cursor.position).toBe(7)
    expect(cursor.pointsTo(letter("one", failure))).toBe(true)
    expect(cursor.pointsTo(letter("two", failure))).toBe(false)
  },
)

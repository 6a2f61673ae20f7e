import { expect, test } from "bun:test"
import { inspect } from "node:util"
import { AMQPError } from "@cloudamqp/amqp-client"
import fc from "fast-check"
import { BrokerClient } from "../../../../src/engine/rabbitmq/connection/broker-client.ts"
import { FrameReader } from "../../../../src/engine/rabbitmq/wire/frame-reader.ts"
import { long, octet, short } from "../../../support/rabbitmq/foreign-fields.ts"

const frame = (payload: Uint8Array): Buffer =>
  Buffer.concat([octet(3), short(1), long(payload.length), payload, octet(0xce)])

test("frames are complete however the socket splits them, even above the usual size", () => {
  const sizes = fc.array(fc.oneof(fc.nat(50), fc.constantFrom(131_072, 300_000)), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (lengths, cuts) => {
      const sent = lengths.map((length, at) => frame(new Uint8Array(length).fill(at)))
      const stream = Buffer.concat(sent)
      const reader = new FrameReader()
      const read: Buffer[] = []
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const end = at + (cuts[turn % cuts.length] ?? 1)
        reader.read(Buffer.from(stream.subarray(at, end)), ({ buffer, byteOffset, byteLength }) =>
          read.push(Buffer.from(Buffer.from(buffer, byteOffset, byteLength))),
        )
        at = end
      }
      expect(read.map((each) => Bun.hash(each))).toEqual(sent.map((each) => Bun.hash(each)))
    }),
    { numRuns: 30 },
  )
})

test("a frame above RabbitMQ's largest message is refused without allocating memory", () => {
  const head = Buffer.concat([octet(2), short(1), long(0xffff_fff0)])
  expect(() => new FrameReader().read(head, () => {})).toThrow("RabbitMQ sent a frame of")
})

test("an error of the library shows neither the user nor the password of its connection", () => {
  // Bun also prints the source lines around the error, so they must not contain the secrets.
  const [user, password] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()]
  const client = new BrokerClient(`amqp://${user}:${password}@127.0.0.1:5672/`)
  const error = new AMQPError("it broke", client)
  for (const shown of [
    Bun.inspect(error),
    inspect(error, { showHidden: true, depth: 9 }),
    JSON.stringify(error),
  ])
    for (const secret of [user, password]) expect(shown).not.toContain(secret)
})

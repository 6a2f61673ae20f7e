import { describe, expect, test } from "bun:test"
import { AMQPClient, AMQPError } from "@cloudamqp/amqp-client"
import {
  type ChannelClosed,
  faultError,
  faultOf,
  namedDestination,
  refusalText,
  replyIn,
  sizeRefusal,
} from "../../../src/engine/rabbitmq/wire/broker-fault.ts"

const client = new AMQPClient("amqp://user:s3cret@127.0.0.1:1")
const amqp = (message: string) => new AMQPError(message, client)

describe("an error of the library is translated to", () => {
  const refused = "ACCESS_REFUSED - access to exchange 'events' in vhost '/' refused for user 'guest'"
  test.each([
    [
      "a closed channel",
      amqp(`channel 1 closed: ${refused} (403)`),
      { kind: "channel-closed", code: 403, text: refused },
    ],
    [
      "a closed connection",
      amqp("connection closed: CONNECTION_FORCED - a test (320)"),
      { kind: "connection-closed", code: 320, text: "CONNECTION_FORCED - a test" },
    ],
    ["a lost connection", amqp("Socket closed"), { kind: "connection-lost", text: "Socket closed" }],
    [
      "a socket's error",
      Object.assign(new Error("reset"), { code: "ECONNRESET" }),
      { kind: "connection-lost", text: "reset" },
    ],
    [
      "a block",
      amqp("Connection blocked by server: low on memory"),
      { kind: "blocked", text: "low on memory" },
    ],
    ["a nack", new Error("Message rejected"), { kind: "nacked", text: "Message rejected" }],
    ["a silent peer", amqp("Heartbeat timeout"), { kind: "timeout", text: "Heartbeat timeout" }],
    [
      "too many properties",
      new RangeError("Out of bounds access"),
      { kind: "cannot-encode", text: "Out of bounds access" },
    ],
    [
      "a long name",
      new Error("Short string too long, 300 bytes"),
      { kind: "cannot-encode", text: "Short string too long, 300 bytes" },
    ],
  ] as const)("%s", (_, error, fault) => {
    expect(faultOf(error)).toEqual(fault)
  })
})

test("credentials in a text are removed", () => {
  expect(faultOf(amqp("no way to amqp://user:s3cret@host:5672")).text).toBe("no way to amqp://host:5672")
})

const closed = (code: number, text: string): ChannelClosed => ({ kind: "channel-closed", code, text })

test("the limit is read from both of RabbitMQ's messages about a message that is too large", () => {
  const configured = "PRECONDITION_FAILED - message size 200 is larger than configured max size 100"
  const builtIn = "PRECONDITION_FAILED - message size 200 is larger than max size 100"
  expect(sizeRefusal(closed(406, configured))).toEqual({ size: 200, limit: 100 })
  expect(sizeRefusal(closed(406, builtIn))).toEqual({ size: 200, limit: 100 })
  expect(sizeRefusal(closed(406, "PRECONDITION_FAILED - unknown delivery tag 1"))).toBeNull()
})

test("a refused exchange or topic, and a missing exchange, are named", () => {
  const topic =
    "ACCESS_REFUSED - access to topic 'a.b' in exchange 'events' in vhost '/' refused for user 'guest'"
  const exchange = "ACCESS_REFUSED - access to exchange 'events' in vhost '/' refused for user 'guest'"
  const missing = "NOT_FOUND - no exchange 'events' in vhost '/'"
  expect(namedDestination(closed(403, topic))).toEqual({ exchange: "events", routingKey: "a.b" })
  expect(namedDestination(closed(403, exchange))).toEqual({ exchange: "events", routingKey: null })
  expect(namedDestination(closed(404, missing))).toEqual({ exchange: "events", routingKey: null })
  expect(namedDestination(closed(406, missing))).toBeNull()
})

const MISSING = closed(404, "NOT_FOUND - no queue 'dead.calls (old)' in vhost '/'")

test.each([
  ["the library", amqp(`channel 7 closed: ${MISSING.text} (404)`)],
  ["a fault", faultError(MISSING)],
])("RabbitMQ's reply is found in an error of %s, and in an error with that cause", (_, error) => {
  expect(replyIn(error)).toEqual(MISSING)
  const outer = new Error("it can't be done", { cause: new Error("not stored", { cause: error }) })
  expect(replyIn(outer)).toEqual(MISSING)
  expect(refusalText(outer)).toBe(MISSING.text)
})

test("an error without a reply is its own reason", () => {
  const error = new Error("no confirm within 10 ms", { cause: "channel 1 closed: text (404)" })
  expect(replyIn(error)).toBeNull()
  expect(refusalText(error)).toBe("no confirm within 10 ms")
  expect(refusalText("text")).toBe("text")
})

test("an error made from a fault has no references to the library's error, and has the same fault", () => {
  const error = faultError(faultOf(amqp("Socket closed")))
  expect(Bun.inspect(error, { depth: 9 })).not.toContain("s3cret")
  expect(faultOf(error)).toEqual({ kind: "connection-lost", text: "Socket closed" })
})

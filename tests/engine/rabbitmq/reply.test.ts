import { expect, test } from "bun:test"
import { reasonOf, replyOf } from "../../../src/engine/rabbitmq/reply.ts"

const TEXT = "NOT_FOUND - no queue 'dead.calls (old)' in vhost '/'"

test.each([
  ["a channel that RabbitMQ closed", `channel 7 closed: ${TEXT} (404)`],
  ["a connection that RabbitMQ closed", `connection closed: ${TEXT} (404)`],
  ["its words and its code alone", `${TEXT} (404)`],
])("RabbitMQ's reply is found in the error of %s, and in an error that it caused", (_, message) => {
  const error = new Error(message)
  expect(replyOf(error)).toEqual({ code: 404, text: TEXT })
  const outer = new Error("it can't be done", { cause: new Error("not stored", { cause: error }) })
  expect(replyOf(outer)).toEqual({ code: 404, text: TEXT })
  expect(reasonOf(outer)).toBe(TEXT)
})

test("an error without a reply is its own reason", () => {
  const error = new Error("no confirm within 10 ms", { cause: "channel 1 closed: text (404)" })
  expect(replyOf(error)).toBeNull()
  expect(reasonOf(error)).toBe("no confirm within 10 ms")
  expect(reasonOf("text")).toBe("text")
})

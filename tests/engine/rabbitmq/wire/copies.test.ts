import { expect, test } from "bun:test"
import { EngineStartError, PublishError } from "../../../../src/engine/errors.ts"
import { faultError, faultOf } from "../../../../src/engine/rabbitmq/wire/broker-fault.ts"
import { CopyLadder } from "../../../../src/engine/rabbitmq/wire/copy-ladder.ts"
import { withRetryCount } from "../../../../src/engine/rabbitmq/wire/retry-count-text.ts"

const culpritOf = (reply: string): PublishError =>
  new PublishError("engine-refused", "RabbitMQ refused the event", "not-stored", {
    cause: faultError(faultOf(`channel 1 closed: ${reply}`)),
  })

const lostWith = (reply: string): PublishError =>
  new PublishError("confirm-timeout", "the connection was lost", "unknown", {
    cause: faultError(faultOf(`connection closed: ${reply}`)),
  })

function stepsAfter(...errors: readonly unknown[]): readonly string[] {
  const ladder = new CopyLadder()
  return errors.map((error) => `${ladder.goOn(error)} ${ladder.step}`)
}

test.each([
  new RangeError("Out of bounds access"),
  new PublishError("engine-refused", "the event can't be written", "not-stored", {
    cause: faultError(faultOf(new RangeError("Out of bounds access"))),
  }),
  new PublishError("payload-too-large", "the event has 17 bytes"),
  culpritOf("PRECONDITION_FAILED - user_id property set to 'other' (406)"),
])(
  "a copy that is refused because of its content (%p) is stored smaller, and finally left to RabbitMQ",
  (error) => {
    expect(stepsAfter(error, error, error)).toEqual(["true minimal", "true original", "false original"])
  },
)

test("a copy that RabbitMQ may have refused because of another message is tried again before a smaller one", () => {
  const error = lostWith("FRAME_ERROR - type 206, all octets = <<>> (501)")
  expect(stepsAfter(error, error, error)).toEqual(["true again", "true minimal", "true original"])
})

test("an error that is not about the message never makes the copy smaller", () => {
  const errors = [
    culpritOf("ACCESS_REFUSED - no access (403)"),
    culpritOf("NOT_FOUND - no exchange (404)"),
    lostWith("CONNECTION_FORCED - a test (320)"),
    new PublishError("engine-refused", "RabbitMQ refused the event: no access"),
    new PublishError("queue-full", "a queue is full"),
    new PublishError("engine-unavailable", "RabbitMQ is unavailable"),
    new EngineStartError("the queue retry.100 can't be used", {
      cause: new Error("channel 3 closed: PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' (406)"),
    }),
    new Error("the socket was closed"),
  ]
  expect(new Set(stepsAfter(...errors, ...errors, ...errors))).toEqual(new Set(["false full"]))
})

test.each([
  ['{"retry_count":0}', '{"retry_count":12}'],
  ['{"payload":{"retry_count":0},"retry_count" : 3 }', '{"payload":{"retry_count":0},"retry_count" : 12 }'],
  [
    '{"a":"\\"retry_count\\":0","n":12345678901234567890}',
    '{"a":"\\"retry_count\\":0","n":12345678901234567890}',
  ],
  [
    '{"a":["retry_count",0],"retry_count":1.0,"b":1e400}',
    '{"a":["retry_count",0],"retry_count":12,"b":1e400}',
  ],
  ['{"retry_count":"7"}', '{"retry_count":"7"}'],
  ['{"retry_count":-1}', '{"retry_count":-1}'],
  ['{"retry_count":1.5}', '{"retry_count":1.5}'],
  ['{"retry_count":1e300}', '{"retry_count":1e300}'],
  ['{"retry_count":1,"retry_count":null}', '{"retry_count":1,"retry_count":null}'],
  ["[]", "[]"],
])("only a valid count changes in %s", (json, expected) => {
  expect(withRetryCount(json, 12)).toBe(expected)
})

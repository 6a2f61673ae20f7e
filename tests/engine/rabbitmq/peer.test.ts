import { describe, expect, test } from "bun:test"
import { RabbitMqEngine } from "../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { newEngine } from "../../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const accessTo = (port: number) => ({
  addresses: [{ host: "127.0.0.1", port }],
  user: "guest",
  password: "s3cret",
  vhost: "/",
  tls: false,
})

const reasonOf = (engine: RabbitMqEngine): string => {
  const status = engine.status()
  return status.state === "unavailable" ? status.reason : status.state
}

/** A peer that says this to whoever connects, and nothing else. */
function peerThatSays(greeting: string | null) {
  let connections = 0
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        connections++
        if (greeting === null) socket.end()
      },
      data(socket) {
        if (greeting !== null) socket.write(greeting)
      },
    },
  })
  return { port: server.port, connections: () => connections, [Symbol.dispose]: () => server.stop(true) }
}

describe("what answers there", () => {
  test.each([
    ["is a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", "no AMQP broker"],
    ["speaks another version of AMQP", "AMQP\u0000\u0000\u0009\u0000", "no AMQP broker"],
    ["hangs up", null, "RabbitMQ can't be used"],
  ])("%s: the engine says so, and goes on trying", async (_, greeting, reason) => {
    using peer = peerThatSays(greeting)
    const engine = newEngine(accessTo(peer.port), "quorum")
    await engine.declareQueues([queueDeclaration("calls")])
    await waitUntil(() => reasonOf(engine).includes(reason), `the reason; it was ${reasonOf(engine)}`)
    expect(reasonOf(engine)).not.toContain("s3cret")
    await expect(engine.publish(newEvent({ routing_key: "calls" }))).rejects.toMatchObject({
      code: "engine-unavailable",
      outcome: "not-stored",
    })
    const before = peer.connections()
    await waitUntil(() => peer.connections() > before + 2, "more attempts")
    await engine.close()
    expect(engine.status()).toEqual({ state: "closed" })
  })
})

test("what the engine has to ask the broker for is refused while that is away", async () => {
  using peer = peerThatSays(null)
  const engine = newEngine(accessTo(peer.port), "quorum")
  await engine.declareQueues([queueDeclaration("calls")])
  const unavailable = { name: "EngineUnavailableError" }
  await expect(engine.queueStats()).rejects.toMatchObject(unavailable)
  await expect(deadLettersOf(engine, "calls", { limit: 1 })).rejects.toMatchObject(unavailable)
  await expect(engine.redrive("calls", {})).rejects.toMatchObject(unavailable)
  await expect(engine.purgeDeadLetters("calls", {})).rejects.toMatchObject(unavailable)
  await engine.close()
})

test("no host at all is refused", () => {
  const make = () =>
    new RabbitMqEngine({
      report: () => {},
      consumerTimeoutMs: 1_800_000,
      access: { ...accessTo(1), addresses: [] },
      topology: { exchange: "events", exchangeType: "topic", queueType: "quorum", mode: "declare" },
      confirmTimeoutMs: 1_000,
    })
  expect(make).toThrow("no host of RabbitMQ is given")
})

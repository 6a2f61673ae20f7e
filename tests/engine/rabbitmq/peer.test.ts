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

const refusalText = (engine: RabbitMqEngine): string => {
  const status = engine.status()
  return status.state === "unavailable" ? status.reason : status.state
}

/** Starts a peer that sends this greeting to every client, and nothing else. */
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

describe("a peer that", () => {
  test.each([
    ["is a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", "not an AMQP broker"],
    ["speaks another version of AMQP", "AMQP\u0000\u0000\u0009\u0000", "not an AMQP broker"],
    ["hangs up", null, "RabbitMQ can't be used"],
  ])("%s is reported, and the engine keeps trying", async (_, greeting, reason) => {
    using peer = peerThatSays(greeting)
    const engine = newEngine(accessTo(peer.port), "quorum")
    await engine.declareQueues([queueDeclaration("calls")])
    await waitUntil(() => refusalText(engine).includes(reason), `the reason; it was ${refusalText(engine)}`)
    expect(refusalText(engine)).not.toContain("s3cret")
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

test("requests to an unreachable broker are refused", async () => {
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

test("an empty list of hosts is refused", () => {
  const make = () =>
    new RabbitMqEngine({
      report: () => {},
      consumerTimeoutMs: 1_800_000,
      access: { ...accessTo(1), addresses: [] },
      topology: { exchange: "events", exchangeType: "topic", queueType: "quorum", mode: "declare" },
      confirmTimeoutMs: 1_000,
    })
  expect(make).toThrow("RABBITMQ_HOST names no host")
})

import { expect, test } from "bun:test"
import { urlOf } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import { BrokerClient } from "../../../src/engine/rabbitmq/connection/broker-client.ts"
import { probeForAlarms } from "../../../src/engine/rabbitmq/publishing/alarm-probe.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import type { RabbitMqNode } from "../../support/rabbitmq/node.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"
import { StallingProxy } from "../../support/rabbitmq/stalling-proxy.ts"
import { VirtualHost } from "../../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** More than fits into the buffers of the sockets. */
const MESSAGES = 200
const BODY_REPEATS = 20_000

/** An alarm of the node's memory, until it is disposed of. */
async function memoryAlarm(node: RabbitMqNode): Promise<AsyncDisposable> {
  await node.control("set_vm_memory_high_watermark", "0.001")
  return {
    [Symbol.asyncDispose]: async () => {
      await node.control("set_vm_memory_high_watermark", "absolute", "2000000000")
    },
  }
}

const objectsOf = (node: RabbitMqNode) =>
  Promise.all(
    [
      "queues?columns=vhost,name",
      "exchanges?columns=vhost,name",
      "bindings?columns=vhost,source,destination",
    ].map((path) => node.manage("GET", path)),
  )

onEveryBroker((node) => {
  test(
    "an alarm is noticed without a publish, and so is its end; nothing is made on the broker for it",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      await shared.declare("calls")
      const { engine } = shared
      await waitUntil(() => engine.queueAdministration.register.get("calls") !== undefined, "the register")
      const before = await objectsOf(node())
      {
        await using _alarm = await memoryAlarm(node())
        await waitUntil(() => engine.status().state === "blocked", "the alarm to be noticed")
      }
      await waitUntil(() => engine.status().state === "ready", "the end of the alarm to be noticed")
      await engine.publish(newEvent({ routing_key: "calls" }))
      expect(await objectsOf(node())).toEqual(before)
      expect(shared.states).toEqual(["ready", "blocked", "ready"])
    },
    TIMEOUT_MS,
  )

  test(
    "an engine that starts during an alarm says so at once, declares its queues and consumes",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      await shared.declare("calls")
      await shared.engine.publish(newEvent({ routing_key: "calls" }))
      await using _alarm = await memoryAlarm(node())
      const engine = shared.newEngine({})
      await waitUntil(() => engine.status().state === "blocked", "the alarm to be noticed")
      await engine.declareQueues([queueDeclaration("calls"), queueDeclaration("new")])
      await (await new Inbox(engine, "calls").next()).ack()
      expect(await shared.depthOf("new")).toBe(0)
      await engine.close()
    },
    TIMEOUT_MS,
  )

  test(
    "a user who may not write to the default exchange publishes, and hears of an alarm with the first publish",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      await shared.permit({ write: "^(events|dead_letters|(dead.)?calls)$" })
      await shared.declare("calls")
      const publish = () => shared.engine.publish(newEvent({ routing_key: "calls" }))
      await publish()
      await using _alarm = await memoryAlarm(node())
      await publish().catch(() => {})
      await waitUntil(() => shared.engine.status().state === "blocked", "the alarm to be noticed")
    },
    TIMEOUT_MS,
  )

  test(
    "the probe spoils no message while the network takes nothing",
    async () => {
      using proxy = await StallingProxy.start(node().port)
      await using host = await VirtualHost.create(node())
      const client = new BrokerClient(urlOf(host.access, { host: "127.0.0.1", port: proxy.port }, "test"))
      await client.connect()
      const channel = await client.channel()
      await channel.confirmSelect()
      await channel.queueDeclare("calls")
      await probeForAlarms(client, 1)
      proxy.stall()
      const bodies = Array.from({ length: MESSAGES }, (_, n) => `${n} `.repeat(BODY_REPEATS))
      const published: Promise<unknown>[] = []
      for (const body of bodies) {
        published.push(channel.basicPublish("", "calls", body))
        // The probe has its turns.
        await Bun.sleep(1)
      }
      proxy.resume()
      await Promise.all(published)
      const received: (string | null | undefined)[] = []
      while (received.length < MESSAGES) {
        received.push((await channel.basicGet("calls", { noAck: true }))?.bodyString())
      }
      expect(received).toEqual(bodies)
      await client.close()
    },
    TIMEOUT_MS,
  )
})

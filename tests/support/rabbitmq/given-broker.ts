import { AMQPClient } from "@cloudamqp/amqp-client"
import { type BrokerAccess, urlOf } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import { tierDelays } from "../../../src/engine/rabbitmq/topology/delay-tier.ts"
import { deadQueueOf, tierName } from "../../../src/engine/rabbitmq/topology/topology.ts"

/**
 * A broker given to the tests as a URL such as amqp://user:password@host:5672/vhost. The tests need the
 * virtual host for themselves.
 */
export class GivenBroker {
  readonly access: BrokerAccess

  constructor(text: string) {
    const url = new URL(text)
    const tls = url.protocol === "amqps:"
    this.access = {
      addresses: [{ host: url.hostname, port: Number(url.port) || (tls ? 5_671 : 5_672) }],
      user: decodeURIComponent(url.username) || "guest",
      password: decodeURIComponent(url.password) || "guest",
      vhost: decodeURIComponent(url.pathname.slice(1)) || "/",
      tls,
    }
  }

  /** Deletes these queues with their dead letters and waiting retries. */
  async clean(queues: Iterable<string>): Promise<void> {
    const [address] = this.access.addresses
    if (address === undefined) return
    const client = new AMQPClient(urlOf(this.access, address, "event-broker tests"))
    await client.connect()
    const channel = await client.channel()
    for (const queue of queues) {
      await channel.queueDelete(queue)
      await channel.queueDelete(deadQueueOf(queue))
      for (const delayMs of tierDelays()) await channel.queueDelete(tierName(queue, delayMs))
    }
    await client.close()
  }
}

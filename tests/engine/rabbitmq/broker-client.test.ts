import { expect, test } from "bun:test"
import { urlOf } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import { BrokerClient } from "../../../src/engine/rabbitmq/connection/broker-client.ts"

const ACCESS = { addresses: [], user: "guest", password: "guest", vhost: "/", tls: false }

test.each(["::1", "127.0.0.1", "rabbitmq"])("the socket connects to the host %s as it is given", (host) => {
  const client = new BrokerClient(urlOf(ACCESS, { host, port: 5_672 }, "event-broker"))
  expect([client.host, client.port]).toEqual([host, 5_672])
})

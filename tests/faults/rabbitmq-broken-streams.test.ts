import { expect, test } from "bun:test"
import { HISTORY_STREAM } from "../../src/engine/rabbitmq/history/history-stream.ts"
import { QUEUE_REGISTER } from "../../src/engine/rabbitmq/queues/queue-register.ts"
import { allHandled, countingFolder, isReady } from "../support/counting-service.ts"
import type { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import type { RunningService } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"
import { wholeHistory } from "../support/whole-history.ts"

const TIMEOUT_MS = 120_000
const EVENTS = 50

/** Hides a stream's name in what RabbitMQ keeps of it, so that RabbitMQ ends every connection that uses the stream, until it is disposed. */
async function broken(node: RabbitMqNode, host: VirtualHost, stream: string): Promise<AsyncDisposable> {
  await change(node, host, stream, "maps:without([name], S#{hidden => maps:get(name, S)})")
  return {
    [Symbol.asyncDispose]: () =>
      change(
        node,
        host,
        stream,
        "maps:without([hidden], S#{name => maps:get(hidden, S, maps:get(name, S, none))})",
      ),
  }
}

/** @param state Erlang that changes the state `S` of the stream */
async function change(node: RabbitMqNode, host: VirtualHost, stream: string, state: string): Promise<void> {
  await node.control(
    "eval",
    `Change = fun(Q) -> S = amqqueue:get_type_state(Q), amqqueue:set_type_state(Q, ${state}) end,
     Update = fun() -> rabbit_amqqueue:update(rabbit_misc:r(<<"${host.name}">>, queue, <<"${stream}">>), Change) end,
     case code:which(rabbit_db_queue) of
       non_existing -> rabbit_misc:execute_mnesia_transaction(Update);
       _ -> Update()
     end.`,
  )
}

const statesOf = ({ log }: RunningService) =>
  log.flatMap(({ msg, state }) => (msg === "the engine's state changed" ? [state] : []))

const hasLogged = ({ log }: RunningService, text: string) =>
  log.some((line) => JSON.stringify(line).includes(text))

onEveryBroker((node) => {
  const settingsOf = (host: VirtualHost) => ({
    RABBITMQ_HOST: "127.0.0.1",
    RABBITMQ_PORT: String(node().port),
    RABBITMQ_VHOST: host.name,
  })

  test.each([HISTORY_STREAM, QUEUE_REGISTER])(
    "RabbitMQ ends every connection that uses the stream %s: events are published and handled as before",
    async (stream) => {
      await using host = await VirtualHost.create(node())
      await using folder = countingFolder()
      const first = await folder.start(settingsOf(host))
      await waitUntil(() => isReady(first), "the first service")
      await first.publish({ name: "counted" })
      await first.get("/api/v1/queues/custom_events")
      expect(await first.stop()).toBe(0)

      await using fault = await broken(node(), host, stream)
      const service = await folder.start(settingsOf(host))
      await waitUntil(() => isReady(service), "the service to be ready")
      const ids = new Set<string>()
      for (let n = 0; n < EVENTS; n++) ids.add(await service.publish({ name: "counted" }))
      await allHandled(folder, ids)
      await waitUntil(() => hasLogged(service, "INTERNAL_ERROR"), "the log to say what RabbitMQ does")
      expect(statesOf(service)).toEqual(["ready"])

      await fault[Symbol.asyncDispose]()
      await waitUntil(async () => (await service.get("/health")).status === 200, "the service to be well")
      await waitUntil(async () => {
        const known = new Set((await wholeHistory(service)).map((event) => event.id))
        return ids.isSubsetOf(known)
      }, "the history to have every event")
      expect(statesOf(service)).toEqual(["ready"])
    },
    TIMEOUT_MS,
  )
})

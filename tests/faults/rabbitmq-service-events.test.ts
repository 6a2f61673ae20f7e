import { expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000

onEveryBroker((node) => {
  test(
    "an event tells that the engine was away, once it is back",
    async () => {
      await using folder = new ServiceFolder()
      folder.write(
        "handlers/alerts.ts",
        `export default { queue: "system_events", on: {
          "broker.engine.state"(event) { ${folder.journal("JSON.stringify(event.payload)")} },
          "*"() {},
        } }`,
      )
      const service = await folder.start({
        RABBITMQ_HOST: "127.0.0.1",
        RABBITMQ_PORT: String(node().port),
      })
      await waitUntil(() => isReady(service), "the service to be ready")
      await node().kill()
      await waitUntil(async () => !(await isReady(service)), "the service to notice")
      await node().start()
      const told = () => folder.journalLines().map((line) => JSON.parse(line))
      await waitUntil(() => told().some(({ state }) => state === "ready"), "the event", TIMEOUT_MS)
      // The first one could not be stored at first, so it sums up what has happened since.
      expect(told().at(-1)).toMatchObject({ state: "ready", before: "unavailable" })
      expect(
        told().reduce((sum: number, { count }: { readonly count: number }) => sum + count, 0),
      ).toBeGreaterThan(1)
      const tries = service.log.filter(({ msg }) =>
        msg.startsWith("an event of the service itself could not be"),
      )
      expect(tries.length).toBeLessThan(10)
    },
    TIMEOUT_MS,
  )
})

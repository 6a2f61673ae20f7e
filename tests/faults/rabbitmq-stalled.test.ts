import { describe, expect, test } from "bun:test"
import { allHandled, countingFolder, isReady, SETTLING_MS } from "../support/counting-service.ts"
import { PublishLoad } from "../support/publish-load.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { StallingProxy } from "../support/rabbitmq/stalling-proxy.ts"
import type { RunningService } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 300_000
const CONNECTIONS = 8
const PLENTY = 50

/** The longest allowed, in milliseconds, so that an early response can't be a confirm timeout. */
const CONFIRM_TIMEOUT = "50000"

/** Publishes one event; `status` is 0 until it is answered. */
function publishing(service: RunningService) {
  const answer = service.post("/api/v1/events", { type: "custom", name: "counted", payload: {} })
  const sent = { status: 0, answer }
  // A test that fails before the response stops the service.
  answer.then(
    ({ status }) => {
      sent.status = status
    },
    () => {},
  )
  return sent
}

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    test(
      "ready is 503 long before the confirm timeout if the network to RabbitMQ accepts data without passing it on",
      async () => {
        await using node = await RabbitMqNode.start(installation)
        using proxy = await StallingProxy.start(node.port)
        await using folder = countingFolder()
        const service = await folder.start({
          RABBITMQ_HOST: "127.0.0.1",
          RABBITMQ_PORT: String(proxy.port),
          CONFIRM_TIMEOUT,
        })
        await waitUntil(() => isReady(service), "the service to be ready")
        const before = await service.publish({ name: "counted" })
        proxy.stall()
        const waiting = publishing(service)
        await waitUntil(async () => !(await isReady(service)), "the service to notice")
        expect((await service.get("/health/rabbitmq")).status).toBe(503)
        // One of them may be let through as a trial.
        const refused = await Promise.race([publishing(service).answer, publishing(service).answer])
        expect(await refused.json()).toMatchObject({ status: 503, outcome: "not-stored", retryable: true })
        proxy.resume()
        await waitUntil(() => isReady(service), "the service to be ready without traffic", TIMEOUT_MS / 2)
        await waiting.answer
        expect([201, 503, 504]).toContain(waiting.status)
        const after = await service.publish({ name: "counted" })
        await allHandled(folder, new Set([before, after]))
        expect(await service.stop()).toBe(0)
      },
      TIMEOUT_MS,
    )

    test(
      "with one of two nodes frozen, so that no queue has a majority, ready is 503 until confirms resume, and publishes are refused at once",
      async () => {
        await using first = await RabbitMqNode.start(installation)
        await using second = await RabbitMqNode.start(installation, first)
        await using folder = countingFolder()
        const service = await folder.start({
          RABBITMQ_HOST: "127.0.0.1",
          RABBITMQ_PORT: String(first.port),
          CONFIRM_TIMEOUT,
          WORKER_POOL_SIZE: "1",
        })
        await waitUntil(() => isReady(service), "the service to be ready", TIMEOUT_MS / 3)
        await Bun.sleep(SETTLING_MS)
        const load = new PublishLoad(service, CONNECTIONS, { ignoreLostConnections: true })
        await waitUntil(() => load.answered.size >= PLENTY, "the load to flow")
        second.freeze()
        let waiting = publishing(service)
        await waitUntil(async () => {
          // Answers that the node sent before it froze may still confirm publishes.
          if (waiting.status === 201) waiting = publishing(service)
          return !(await isReady(service))
        }, "the service to notice")
        expect([0, 503]).toContain(waiting.status)
        const refused = await Promise.race([publishing(service).answer, publishing(service).answer])
        expect(refused.status).toBe(503)
        expect([0, 503]).toContain(waiting.status)
        second.thaw()
        await waitUntil(() => isReady(service), "the service to be ready again", TIMEOUT_MS / 3)
        await waiting.answer
        const answered = load.answered.size
        await waitUntil(
          () => load.answered.size >= answered + PLENTY,
          "the load to flow again",
          TIMEOUT_MS / 3,
        )
        await load.stop()
        await allHandled(folder, load.answered)
        expect(await service.stop()).toBe(0)
      },
      TIMEOUT_MS,
    )
  })
}

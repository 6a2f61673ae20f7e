import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const DASHBOARD = new URL("../../examples/grafana.json", import.meta.url)

/** The samples of a scrape: their values by name and labels, as they are written. */
async function scrape({ url }: RunningService): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get("content-type")).toStartWith("text/plain; version=0.0.4")
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ")
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

function mixedFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write(
    "handlers/mixed.ts",
    `export default { queue: "custom_events", timeout: 100, retry: { attempts: 2, backoff: { initial: 1 } }, on: {
      async fine(event) { ${folder.journal("event.id")} },
      fails() { throw new Error("no") },
      exits(event, ctx) { if (ctx.attempt === 1) process.exit(1) },
      async hangs(event, ctx) { if (ctx.attempt === 1) await new Promise(() => {}) },
      slow: () => Bun.sleep(60000),
    } }`,
  )
  return folder
}

const labels = (queue: string, outcome: string) => `{queue="${queue}",outcome="${outcome}"}`

test("the metrics count publishes, deliveries, calls, workers and requests by outcome", async () => {
  await using folder = mixedFolder()
  const service = await folder.start({ WORKER_POOL_SIZE: "2" })
  for (let i = 0; i < 3; i++) await service.publish({ name: "fine" })
  for (const name of ["fails", "exits", "hangs"]) await service.publish({ name })
  await service.publish({ type: "voice", name: "waits" })
  await service.post("/api/v1/events", { type: "custom", name: "lost", payload: {}, routing_key: "nowhere" })
  await service.post("/api/v1/events", { type: "made-up", name: "lost", payload: {} })
  await service.post("/api/v1/events/batch", { events: [{ type: "custom", name: "fine", payload: {} }] })
  const settled = async () => {
    const samples = await scrape(service)
    const of = (outcome: string) =>
      samples.get(`event_broker_deliveries_total${labels("custom_events", outcome)}`)
    return of("ack") === 6 && of("dead-letter") === 1
  }
  await waitUntil(settled, "every event to end")
  await waitUntil(
    async () => (await scrape(service)).get("event_broker_workers_ready") === 2,
    "the workers to be replaced",
  )
  expect(Object.fromEntries(await scrape(service))).toMatchObject({
    'event_broker_publish_duration_seconds_count{type="custom",outcome="stored"}': 7,
    'event_broker_publish_duration_seconds_count{type="voice",outcome="stored"}': 1,
    'event_broker_publish_duration_seconds_count{type="custom",outcome="unroutable"}': 1,
    'event_broker_publish_duration_seconds_count{type="unknown",outcome="validation-failed"}': 1,
    [`event_broker_deliveries_total${labels("custom_events", "ack")}`]: 6,
    [`event_broker_deliveries_total${labels("custom_events", "retry")}`]: 3,
    [`event_broker_deliveries_total${labels("custom_events", "dead-letter")}`]: 1,
    'event_broker_delivery_failures_total{queue="custom_events",reason="error"}': 1,
    'event_broker_delivery_failures_total{queue="custom_events",reason="attempts-exhausted"}': 1,
    'event_broker_delivery_failures_total{queue="custom_events",reason="worker-crashed"}': 1,
    'event_broker_delivery_failures_total{queue="custom_events",reason="timeout"}': 1,
    'event_broker_handler_duration_seconds_count{queue="custom_events",handler="fine",outcome="done"}': 4,
    'event_broker_handler_duration_seconds_count{queue="custom_events",handler="fails",outcome="failed"}': 2,
    'event_broker_handler_duration_seconds_count{queue="custom_events",handler="hangs",outcome="timeout"}': 1,
    'event_broker_handler_duration_seconds_count{queue="custom_events",handler="exits",outcome="worker-crashed"}': 1,
    'event_broker_worker_restarts_total{cause="crash"}': 1,
    'event_broker_worker_restarts_total{cause="timeout"}': 1,
    'event_broker_queue_messages{queue="voice_events"}': 1,
    'event_broker_queue_waiting{queue="voice_events"}': 1,
    'event_broker_queue_running{queue="voice_events"}': 0,
    'event_broker_queue_retrying{queue="voice_events"}': 0,
    'event_broker_queue_max_length{queue="voice_events"}': 1_000_000,
    'event_broker_queue_dead_letters{queue="custom_events"}': 1,
    'event_broker_queue_consumers{queue="custom_events"}': 1,
    event_broker_publishes_in_flight: 0,
    event_broker_deliveries_in_flight: 0,
    event_broker_engine_up: 1,
    event_broker_publishers_blocked: 0,
    event_broker_workers_expected: 2,
    event_broker_queues_consumed: 1,
    event_broker_queues_expected: 1,
    'event_broker_http_request_duration_seconds_count{method="POST",route="/api/v1/events",status="201"}': 7,
    'event_broker_http_request_duration_seconds_count{method="POST",route="/api/v1/events",status="422"}': 2,
    'event_broker_http_request_duration_seconds_count{method="POST",route="/api/v1/events/batch",status="201"}': 1,
  })
  const hung = (await scrape(service)).get(
    'event_broker_handler_duration_seconds_sum{queue="custom_events",handler="hangs",outcome="timeout"}',
  )
  expect(hung).toBeGreaterThanOrEqual(0.1)
})

test("running publishes and deliveries are counted while they run", async () => {
  await using folder = mixedFolder()
  const service = await folder.start({ SHUTDOWN_TIMEOUT: "0" })
  await service.publish({ name: "slow" })
  await waitUntil(
    async () => (await scrape(service)).get("event_broker_deliveries_in_flight") === 1,
    "the delivery to be in flight",
  )
})

test("no client can make the metrics grow", async () => {
  await using folder = mixedFolder()
  const service = await folder.start()
  const make = async (n: number) => {
    await service.publish({ name: `name.${n}` })
    await service.post("/api/v1/events", { type: `type${n}`, name: "x", payload: {} })
    await service.get(`/path/${n}`)
    await service.get(`/api/v1/dead-letters/queue${n}`)
    const response = await fetch(service.url, { method: `M${"X".repeat(n + 1)}` })
    await response.arrayBuffer()
  }
  await make(0)
  const allDead = (count: number) =>
    waitUntil(async () => {
      const samples = await scrape(service)
      return samples.get('event_broker_queue_dead_letters{queue="custom_events"}') === count
    }, "the events without a handler to be dead letters")
  await allDead(1)
  await scrape(service)
  const before = (await scrape(service)).size
  for (let n = 1; n <= 50; n++) await make(n)
  await allDead(51)
  expect((await scrape(service)).size).toBe(before)
})

test("every metric of the dashboard exists, with its labels", async () => {
  await using folder = mixedFolder()
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  for (const name of ["fine", "fails"]) await service.publish({ name })
  await waitUntil(
    async () =>
      (await scrape(service)).has(`event_broker_deliveries_total${labels("custom_events", "dead-letter")}`),
    "an event to fail",
  )
  await scrape(service)
  const samples = [...(await scrape(service)).keys()]
  const { panels } = JSON.parse(readFileSync(DASHBOARD, "utf8")) as {
    readonly panels: readonly {
      readonly title: string
      readonly targets: readonly { readonly expr: string }[]
    }[]
  }
  expect(panels.length).toBeGreaterThan(10)
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const metrics = [...expr.matchAll(/\b((?:event_broker|process)_\w+)\{/g)].map(([, name = ""]) => name)
      expect([title, metrics.length > 0]).toEqual([title, true])
      const grouped = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(", ") ?? []
      for (const name of metrics) {
        const found = samples.find((sample) => sample === name || sample.startsWith(`${name}{`))
        expect([title, name, found !== undefined]).toEqual([title, name, true])
        for (const label of grouped)
          expect([title, label, found?.includes(`${label}="`)]).toEqual([title, label, true])
      }
    }
  }
})

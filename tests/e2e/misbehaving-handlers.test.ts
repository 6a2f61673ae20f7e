import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const MISBEHAVIOURS = [
  { name: "spin", body: "for (;;) {}", reason: "timeout" },
  { name: "hang", body: "await new Promise(() => {})", reason: "timeout" },
  { name: "throw", body: 'throw new Error("thrown")', reason: "attempts-exhausted" },
  {
    name: "reject",
    body: 'Promise.reject(new Error("unhandled")); await Bun.sleep(1_000)',
    reason: "worker-crashed",
  },
  { name: "exit", body: "process.exit(3)", reason: "worker-crashed" },
]

const deadLetterReason = (service: RunningService, id: string): unknown =>
  service.log.find((line) => line.msg === "event is now a dead letter" && line["event_id"] === id)?.["reason"]

async function startWith(folder: ServiceFolder): Promise<RunningService> {
  const functions = MISBEHAVIOURS.map(({ name, body }) => `async ${name}() { ${body} }`)
  folder.write(
    "handlers/mixed.ts",
    `export default {
      queue: "custom_events", timeout: 300, retry: { attempts: 2, backoff: { initial: 10 } },
      on: {
        ${functions.join(", ")},
        async bystander(event) { await Bun.sleep(5); ${folder.journal("event.id")} },
      },
    }`,
  )
  return folder.start()
}

test.each(MISBEHAVIOURS)(
  "a handler that does $name ends as a dead letter, and harms no other event",
  async (each) => {
    await using folder = new ServiceFolder()
    const service = await startWith(folder)
    const bystanders: string[] = []
    for (let i = 0; i < 20; i++) bystanders.push(await service.publish({ name: "bystander" }))
    const poison = await service.publish({ name: each.name })
    for (let i = 0; i < 20; i++) bystanders.push(await service.publish({ name: "bystander" }))

    await waitUntil(() => deadLetterReason(service, poison) !== undefined, "the event to be a dead letter")
    expect(deadLetterReason(service, poison)).toBe(each.reason)
    await waitUntil(() => new Set(bystanders).isSubsetOf(new Set(folder.journalLines())), "the bystanders")
    const failed = service.log.filter(({ msg }) => msg === "attempt failed; it will be retried")
    expect(failed.map((line) => line["event_id"])).toEqual([poison])
    await waitUntil(async () => {
      const { body } = await service.get("/health")
      return JSON.stringify(body).includes("5 of 5 workers")
    }, "every worker to be back")
    expect((await service.get("/health/ready")).status).toBe(200)
  },
)

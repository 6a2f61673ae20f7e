import { expect, test } from "bun:test"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

test("a module with bindings of its own leaves copies in a predefined queue: the start and the health say so", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/audit.ts",
    'export default { queue: "audit", bind: ["events.voice.#"], on: { "*"() {} } }',
  )
  folder.write("handlers/user.ts", 'export default { queue: "user_events", on: { "*"() {} } }')
  const service = await folder.start()
  const warnings = () => service.log.filter(({ level }) => level === "warn")
  await waitUntil(() => warnings().length > 0, "the warning")
  expect(warnings()).toMatchObject([
    { queues: ["voice_events"], msg: expect.stringContaining("that audit.ts binds to another queue") },
  ])
  await service.publish({ type: "user", name: "login" })
  expect((await service.get("/health")).body).toMatchObject({ status: "ready" })

  await service.publish({ type: "voice", name: "ended" })
  const health = async () => (await service.get("/health")).body as { readonly status: string }
  await waitUntil(async () => (await health()).status === "degraded", "the queue to be found")
  expect(await health()).toMatchObject({
    checks: { queues: { detail: "voice_events has no handler module (1 of 1000000 events wait)" } },
  })
  expect((await service.get("/health/ready")).status).toBe(200)
  expect(warnings()).toHaveLength(1)
})

test("a dead letter that no function took has no attempts, in the log as well", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/voice.ts", 'export default { queue: "voice_events", on: { call_started() {} } }')
  const service = await folder.start()
  await service.publish({ type: "voice", name: "call_startd" })
  const letters = async () => {
    const { body } = await service.get("/api/v1/dead-letters/voice_events")
    return (body as { readonly dead_letters: readonly unknown[] }).dead_letters
  }
  await waitUntil(async () => (await letters()).length > 0, "the dead letter")
  const error = {
    name: "NoHandler",
    message:
      "no function handles call_startd; the functions are call_started (voice.ts); did you mean call_started?",
  }
  expect(await letters()).toMatchObject([{ reason: "no-handler", attempts: 0, error }])
  const logged = service.log.find(({ msg }) => msg === "event is now a dead letter")
  expect(logged).toMatchObject({ reason: "no-handler", attempt: 0, error })
})

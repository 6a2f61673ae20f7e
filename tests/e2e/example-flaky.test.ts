import { expect, test } from "bun:test"
import { join } from "node:path"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const HANDLERS_DIR = join(import.meta.dir, "..", "..", "examples", "flaky")
const PATH = "/api/v1/dead-letters/user_events"

/** The run that docs/dead-letters.md shows. */
test("the flaky example fails half of its events, and handles them after a repair and a redrive", async () => {
  await using folder = new ServiceFolder()
  folder.write("crm-b.down", "")
  const service = await folder.start({ HANDLERS_DIR })
  const foundIn = (server: string) =>
    service.log.filter(({ msg }) => msg === `user found in ${server}`).map(({ event_id }) => event_id)
  const countIs = async (count: number) => {
    const { body } = await service.get("/api/v1/dead-letters")
    const { queues } = body as { queues: { queue_name: string; dead_letter_count: number }[] }
    return queues.find(({ queue_name }) => queue_name === "user_events")?.dead_letter_count === count
  }

  const events = [1, 2, 3, 4].map((user) => ({
    id: `login-${user}`,
    type: "user",
    name: "login",
    payload: { user },
  }))
  expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
  await waitUntil(() => countIs(2), "half of the events to be dead letters")
  await waitUntil(() => foundIn("crm-a").length === 2, "the other half to be handled")
  const { body } = await service.get(`${PATH}?limit=1`)
  expect(body).toMatchObject({
    count: 1,
    dead_letters: [
      {
        reason: "attempts-exhausted",
        attempts: 2,
        module: "crm.ts",
        error: { message: "crm-b does not answer" },
      },
    ],
  })

  folder.remove("crm-b.down")
  const dryRun = await service.post(`${PATH}/redrive`, { all: true, dry_run: true })
  expect(await dryRun.json()).toMatchObject({ redriven: 2, remaining: 0 })
  const redriven = await service.post(`${PATH}/redrive`, { all: true })
  expect(await redriven.json()).toEqual({ redriven: 2, remaining: 0, dry_run: false })
  await waitUntil(() => foundIn("crm-b").length === 2, "the redriven events to be handled")
  expect(new Set(foundIn("crm-b"))).toEqual(new Set(["login-1", "login-3"]))
  expect(await countIs(0)).toBe(true)
})

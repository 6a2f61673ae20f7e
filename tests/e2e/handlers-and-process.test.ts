import { expect, test } from "bun:test"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

test("a handler that posts messages or changes the working folder disturbs neither the service nor its keys", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/odd.ts",
    `export default {
      queue: "custom_events", retry: { attempts: 1 },
      on: {
        posts() { postMessage({}); postMessage(null); postMessage([null]) },
        moves() { process.chdir("/") },
        constructor(event) { ${folder.journal("event.name")} },
      },
    }`,
  )
  const service = await folder.start()
  for (const name of ["posts", "moves", "constructor"]) await service.publish({ name })
  await waitUntil(() => folder.journalLines().includes("constructor"), "the handler named constructor")
  await waitUntil(
    () => service.log.some(({ msg, name }) => msg === "event is now a dead letter" && name === "moves"),
    "the move to be refused",
  )
  expect(service.log).not.toContainEqual(expect.objectContaining({ msg: "event handled", name: "moves" }))
  await waitUntil(
    () => service.log.some(({ msg }) => msg.includes("called postMessage")),
    "the posted message to be told",
  )
  expect((await service.get("/health/ready")).status).toBe(200)
  expect(service.isAlive).toBe(true)
})

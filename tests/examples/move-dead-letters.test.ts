import { expect, test } from "bun:test"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const EXAMPLE = join(import.meta.dir, "../../examples/move-dead-letters.sh")

/** Returns true if the service has this number of dead letters of the queue. */
async function hasDead({ get }: Pick<RunningService, "get">, queue: string, count: number): Promise<boolean> {
  const { body } = await get(`/api/v1/queues/${queue}`)
  return (body as { readonly dead_letters: number }).dead_letters === count
}

test("the dead letters of one service are published to another, with their ids, and stay where they were", async () => {
  await using old = new ServiceFolder()
  await using next = new ServiceFolder()
  const module = (queue: string, body: string) =>
    `export default { queue: "${queue}", retry: { attempts: 1 }, on: { "*"(event) { ${body} } } }`
  for (const queue of ["voice_events", "user_events"]) {
    old.write(`handlers/${queue}.ts`, module(queue, `throw new Error("not here")`))
    const journal = `\`\${event.id} \${event.ordering_key} \${event.payload.text}\``
    next.write(`handlers/${queue}.ts`, module(queue, next.journal(journal)))
  }
  old.write("bin/.keep", "")
  symlinkSync(BINARY, join(old.path, "bin", "event-broker"))
  const [from, to] = [await old.start(), await next.start()]
  const ids = [
    await from.publish({ type: "voice", name: "heard", ordering_key: "c-1", payload: { text: "größer\n" } }),
    await from.publish({ type: "user", name: "login", payload: { text: "second" } }),
  ]
  const service = { get: (path: string) => from.get(path) }
  for (const queue of ["voice_events", "user_events"])
    await waitUntil(() => hasDead(service, queue, 1), "the dead letter to be there")
  const PATH = `${old.path}/bin:${process.env["PATH"]}`
  const moved = await runCommand(["sh", EXAMPLE, from.url, to.url], old.path, { PATH })
  expect(moved).toEqual({
    code: 0,
    stdout: "voice_events\n1 stored, 0 failed\nuser_events\n1 stored, 0 failed\n",
    stderr: "",
  })
  await waitUntil(() => next.journalLines().length >= 3, "the events to be handled")
  expect(next.journalLines().toSorted()).toEqual(
    [`${ids[0]} c-1 größer`, "", `${ids[1]} undefined second`].toSorted(),
  )
  expect(await hasDead(service, "voice_events", 1)).toBe(true)
})

import { expect, test } from "bun:test"
import { BINARY, FROM_BINARY, ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"
import { waitUntil } from "../support/wait-until.ts"

const CLIENTS = 32

test("under load every request in flight is answered, and every event answered 201 is handled", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/slow.ts",
    `export default { queue: "custom_events", on: {
      async slow(event) { await Bun.sleep(20); ${folder.journal("event.id")} },
    } }`,
  )
  const first = await folder.start()
  const answered = new Set<string>()
  let isRefused = false
  const refusals: string[] = []
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isRefused) {
      try {
        answered.add(await first.publish({ name: "slow" }))
      } catch (error) {
        isRefused = true
        refusals.push(error instanceof Error && "code" in error ? String(error.code) : String(error))
      }
    }
  })
  await waitUntil(() => answered.size > 500, "some load")
  expect(await first.stop()).toBe(0)
  await Promise.all(clients)
  // A connection that failed, or that was closed while idle, carried no accepted request.
  for (const code of refusals)
    expect(code).toMatch(/ECONNREFUSED|ECONNRESET|ConnectionRefused|ConnectionClosed/)

  await folder.start()
  await waitUntil(
    () => answered.isSubsetOf(new Set(folder.journalLines())),
    "every answered event to be handled",
  )
}, 60_000)

test("at a stop, the event of an unfinished handler is given back, and its attempt does not count", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/stuck.ts",
    `export default { queue: "custom_events", on: {
      async stuck(event, ctx) { ${folder.journal('"attempt " + ctx.attempt')}; await new Promise(() => {}) },
    } }`,
  )
  for (const started of [1, 2]) {
    const service = await folder.start({ SHUTDOWN_TIMEOUT: "500" })
    if (started === 1) await service.publish({ name: "stuck" })
    await waitUntil(() => folder.journalLines().length === started, "the handler to begin")
    expect(await service.stop()).toBe(0)
  }
  expect(folder.journalLines()).toEqual(["attempt 1", "attempt 1"])
})

test("a signal at the moment when the service begins to listen stops it cleanly", async () => {
  for (let time = 0; time < 20; time++) {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    service.signal("SIGTERM")
    expect([time, await service.exited()]).toEqual([time, 0])
    expect(service.log.at(-1)).toMatchObject({ msg: "stopped" })
  }
})

const SLOW_HANDLER = (folder: ServiceFolder) => `export default { queue: "custom_events", on: {
  async slow(event) { ${folder.journal('"begun"')}; await Bun.sleep(200); ${folder.journal('"done"')} },
} }`

test("SIGHUP from a terminal stops the service cleanly, also if it comes twice", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/slow.ts", SLOW_HANDLER(folder))
  const script = '"$0" & echo "pid $!"; wait $!; echo "exit $?"'
  const variables = { PORT: "0", HOST: "127.0.0.1", LOG_FORMAT: "json" }
  await using terminal = new Terminal(["sh", "-c", script, BINARY], folder.path, variables)
  const found = (pattern: RegExp): string => pattern.exec(terminal.output)?.[1] ?? ""
  await waitUntil(() => found(/"url":"([^"]+)"/) !== "", "the service to listen")
  await fetch(`${found(/"url":"([^"]+)"/)}/api/v1/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ type: "custom", name: "slow", payload: {} }),
  })
  await waitUntil(() => folder.journalLines().length > 0, "the handler to begin")
  const pid = Number(found(/pid (\d+)/))
  process.kill(pid, "SIGHUP")
  await waitUntil(() => terminal.output.includes('"msg":"stopping"'), "the stop to begin")
  process.kill(pid, "SIGHUP")
  expect(await terminal.ended()).toContain('"signal":"SIGHUP","msg":"stopped"')
  expect(terminal.output).toContain("exit 0")
  expect(folder.journalLines()).toEqual(["begun", "done"])
})

test("under nohup SIGHUP is ignored", async () => {
  await using folder = new ServiceFolder(["nohup", ...FROM_BINARY])
  const service = await folder.start()
  service.signal("SIGHUP")
  await service.publish({ type: "voice", name: "still_there" })
  expect(await service.stop()).toBe(0)
  expect(service.log.at(-1)).toMatchObject({ msg: "stopped", signal: "SIGTERM" })
})

test("a signal while the modules load stops the service cleanly, and the log says so", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/slow-to-load.ts",
    `${folder.journal('"loading"')}
    await Bun.sleep(60_000)
    export default { queue: "custom_events", on: {} }`,
  )
  const service = folder.spawn()
  await waitUntil(() => folder.journalLines().length > 0, "the module to load")
  service.signal("SIGTERM")
  expect(await service.exited()).toBe(0)
  expect(service.log.at(-1)).toMatchObject({ msg: "stopped", signal: "SIGTERM" })
})

import { expect, test } from "bun:test"
import { join } from "node:path"
import { describeVariables } from "../../src/config.ts"
import { ServiceFolder } from "../support/running-service.ts"

test("--version prints the version, and --help every variable", async () => {
  await using folder = new ServiceFolder()
  const version = folder.spawn(["--version"])
  expect(await version.exited()).toBe(0)
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const help = folder.spawn(["--help"])
  expect(await help.exited()).toBe(0)
  for (const { name } of describeVariables()) expect(help.stdout).toContain(name)
})

test("a wrong configuration lists every wrong variable at once, and exits 2", async () => {
  await using folder = new ServiceFolder()
  const service = folder.spawn([], { PORT: "http", QUEUE_TTL: "-1", LOG_LEVEL: "LOUD" })
  expect(await service.exited()).toBe(2)
  for (const name of ["PORT", "QUEUE_TTL", "LOG_LEVEL"]) expect(service.stderr).toContain(`${name} takes`)
})

test("a port in use is said in one sentence, and exits 1", async () => {
  await using folder = new ServiceFolder()
  const { port } = new URL((await folder.start()).url)
  const second = folder.spawn([], { PORT: port, DATA_DIR: "other" })
  expect(await second.exited()).toBe(1)
  expect(second.stderr).toBe(
    `event-broker: port ${port} on 127.0.0.1 is in use: stop what listens there, or set PORT\n`,
  )
})

test("a second process on the same DATA_DIR is refused in one sentence, and exits 1", async () => {
  await using folder = new ServiceFolder()
  await folder.start()
  const second = folder.spawn()
  expect(await second.exited()).toBe(1)
  expect(second.stderr).toMatch(/^event-broker: DATA_DIR data is in use by another process: .*\n$/)
})

test("a DATA_DIR that can't be a folder is said in one sentence, and exits 1", async () => {
  await using folder = new ServiceFolder()
  folder.write("file", "")
  const service = folder.spawn([], { DATA_DIR: join(folder.path, "file") })
  expect(await service.exited()).toBe(1)
  expect(service.stderr).toMatch(/^event-broker: DATA_DIR .*\n$/)
})

test("a HANDLERS_DIR that was given and is not there is said in one sentence, and exits 1", async () => {
  await using folder = new ServiceFolder()
  const service = folder.spawn([], { HANDLERS_DIR: "nowhere" })
  expect(await service.exited()).toBe(1)
  expect(service.stderr).toMatch(/^event-broker: HANDLERS_DIR .*nowhere can't be read: .*\n$/)
})

import { describe, expect, test } from "bun:test"
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { newKey } from "../../src/commands/new-key.ts"
import { isReady } from "../support/counting-service.ts"
import { FROM_BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const versioned = (folder: ServiceFolder, version: string) =>
  `export default { queue: "custom_events", on: { "*"() { ${folder.journal(JSON.stringify(version))} } } }`

/** Publishes until an event is handled by this version. */
async function handledBy(service: RunningService, folder: ServiceFolder, version: string): Promise<void> {
  await waitUntil(async () => {
    await service.publish({ name: "tried" })
    return folder.journalLines().at(-1) === version
  }, `an event to be handled by ${version}`)
}

const logged = (service: RunningService, message: string) => service.log.filter(({ msg }) => msg === message)

test("SIGHUP reloads the modules of a service without a terminal", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/versioned.ts", versioned(folder, "v1"))
  const service = await folder.start()
  await handledBy(service, folder, "v1")
  folder.write("handlers/versioned.ts", versioned(folder, "v2"))
  service.signal("SIGHUP")
  await handledBy(service, folder, "v2")
  folder.write("handlers/versioned.ts", "export default {")
  service.signal("SIGHUP")
  await waitUntil(
    () => logged(service, "handler modules rejected; those before stay in use").length === 1,
    "the fault",
  )
  await handledBy(service, folder, "v2")
  expect(service.isAlive).toBe(true)
})

test("without RELOAD=watch, a changed file changes nothing until a reload", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/versioned.ts", versioned(folder, "v1"))
  const service = await folder.start()
  folder.write("handlers/versioned.ts", versioned(folder, "v2"))
  await handledBy(service, folder, "v1")
  expect(await (await service.post("/api/v1/modules/reload", {})).json()).toMatchObject({ is_changed: true })
  await handledBy(service, folder, "v2")
})

describe("with RELOAD=watch, the modules are reloaded", () => {
  const watching = (folder: ServiceFolder) => folder.start({ RELOAD: "watch" })

  test("after an edit, after a save by rename, and after a removal and a return of the file", async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    const service = await watching(folder)
    await handledBy(service, folder, "v1")
    folder.write("handlers/versioned.ts", versioned(folder, "v2"))
    await handledBy(service, folder, "v2")
    folder.write("handlers/.versioned.ts.swp", versioned(folder, "v3"))
    renameSync(join(folder.path, "handlers/.versioned.ts.swp"), join(folder.path, "handlers/versioned.ts"))
    await handledBy(service, folder, "v3")
    folder.remove("handlers/versioned.ts")
    await waitUntil(() => logged(service, "handler modules loaded").length === 3, "the removal")
    folder.write("handlers/versioned.ts", versioned(folder, "v4"))
    await handledBy(service, folder, "v4")
  })

  test("after an edit of a file that a module imports, below the folder and beside it", async () => {
    await using folder = new ServiceFolder()
    folder.write("shared/part.ts", 'export const beside = "b1"')
    folder.write("handlers/lib/_part.ts", 'export const below = "l1"')
    folder.write(
      "handlers/versioned.ts",
      `import { beside } from "../shared/part.ts"
      import { below } from "./lib/_part.ts"
      export default { queue: "custom_events", on: { "*"() { ${folder.journal("beside + below")} } } }`,
    )
    const service = await watching(folder)
    await handledBy(service, folder, "b1l1")
    folder.write("shared/part.ts", 'export const beside = "b2"')
    await handledBy(service, folder, "b2l1")
    folder.write("handlers/lib/_part.ts", 'export const below = "l2"')
    await handledBy(service, folder, "b2l2")
  })

  test("when a link in the folder is swapped, as Kubernetes does with a ConfigMap", async () => {
    await using folder = new ServiceFolder()
    const handlers = join(folder.path, "handlers")
    folder.write("handlers/..2026_1/versioned.ts", versioned(folder, "v1"))
    symlinkSync("..2026_1", join(handlers, "..data"))
    symlinkSync("..data/versioned.ts", join(handlers, "versioned.ts"))
    const service = await watching(folder)
    await handledBy(service, folder, "v1")
    folder.write("handlers/..2026_2/versioned.ts", versioned(folder, "v2"))
    symlinkSync("..2026_2", join(handlers, "..data_tmp"))
    renameSync(join(handlers, "..data_tmp"), join(handlers, "..data"))
    rmSync(join(handlers, "..2026_1"), { recursive: true })
    await handledBy(service, folder, "v2")
  })

  test("when the folder itself is a link that points elsewhere", async () => {
    await using folder = new ServiceFolder()
    for (const release of ["one", "two"]) {
      mkdirSync(join(folder.path, "releases", release), { recursive: true })
      writeFileSync(join(folder.path, "releases", release, "versioned.ts"), versioned(folder, release))
    }
    symlinkSync("releases/one", join(folder.path, "current"))
    const service = await folder.start({ RELOAD: "watch", HANDLERS_DIR: "current" })
    await handledBy(service, folder, "one")
    symlinkSync("releases/two", join(folder.path, "next"))
    renameSync(join(folder.path, "next"), join(folder.path, "current"))
    await handledBy(service, folder, "two")
  })

  test("after a burst of saves, some of them broken, to the last one", async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/versioned.ts", versioned(folder, "v0"))
    const service = await watching(folder)
    for (let save = 1; save <= 100; save++) {
      const text = versioned(folder, `v${save}`)
      folder.write("handlers/versioned.ts", save % 3 === 0 ? text.slice(0, save) : text)
      await Bun.sleep(Math.random() * 10)
    }
    await handledBy(service, folder, "v100")
    await waitUntil(() => isReady(service), "every worker")
    expect(logged(service, "handler modules loaded").length).toBeLessThan(50)
  })
})

describe("event-broker dev", () => {
  const dev = async (folder: ServiceFolder): Promise<RunningService> => {
    const service = folder.spawn(["dev"], { LOG_FORMAT: "json" })
    await service.listening()
    return service
  }

  test("starts with a module that can't be used, says where, and takes it once it can", async () => {
    await using folder = new ServiceFolder(FROM_BINARY)
    folder.write("handlers/versioned.ts", 'export default {\n  queue: "custom_events"\n  on: {},\n}')
    const service = await dev(folder)
    const [fault] = logged(service, "handler modules rejected; those before stay in use")
    expect(JSON.stringify(fault)).toContain("handlers/versioned.ts:3:3")
    expect((await service.get("/health")).body).toMatchObject({
      status: "degraded",
      checks: { modules: { status: "degraded", detail: expect.stringContaining("(versioned.ts:3:3)") } },
    })
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    await handledBy(service, folder, "v1")
  })

  test("finds the first module of a folder that does not exist yet", async () => {
    await using folder = new ServiceFolder()
    rmSync(join(folder.path, "handlers"), { recursive: true })
    const service = await dev(folder)
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    await handledBy(service, folder, "v1")
  })
})

describe("the command modules", () => {
  const run = async (folder: ServiceFolder, service: RunningService, ...args: readonly string[]) => {
    const command = folder.spawn(["modules", ...args, "--url", service.url])
    return { code: await command.exited(), out: command.stdout, errors: command.stderr }
  }

  test("lists modules and the faults of rejected ones, and reloads them", async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    const service = await folder.start()
    const listed = await run(folder, service)
    expect(listed.code).toBe(0)
    expect(listed.out).toMatch(/^generation [0-9a-f]{8}\n/)
    expect(listed.out).toMatch(/versioned\.ts +custom_events +\* +5 +30 s/)
    const unchanged = await run(folder, service, "reload")
    expect([unchanged.code, unchanged.out]).toEqual([0, expect.stringContaining("nothing has changed")])
    folder.write("handlers/versioned.ts", "export default {\n  queue: ,\n}")
    const refused = await run(folder, service, "reload")
    expect(refused.code).toBe(1)
    expect(refused.errors).toContain("handler module versioned.ts: syntax error")
    expect(refused.errors).toContain("at handlers/versioned.ts:2:10")
    expect(refused.errors).toContain("> 2 |   queue: ,")
    expect((await run(folder, service)).out).toContain(
      "rejected at the last reload:\nhandler module versioned.ts",
    )
    folder.write("handlers/versioned.ts", versioned(folder, "v2"))
    const reloaded = await run(folder, service, "reload")
    expect([reloaded.code, reloaded.out]).toEqual([0, expect.stringContaining("is in use\n")])
    await handledBy(service, folder, "v2")
  })
})

test("only a key with the scope admin is shown the code of a rejected module, and may reload", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/versioned.ts", versioned(folder, "v1"))
  const reader = newKey({ name: "reader", scope: ["read"] })
  const admin = newKey({ name: "admin", scope: ["read", "admin"] })
  folder.write("keys", `${reader.line}\n${admin.line}\n`)
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  folder.write("handlers/versioned.ts", 'const token = "s3cret" +\nexport default {')
  const ask = async (key: string, path: string, method = "GET") => {
    const response = await fetch(service.url + path, { method, headers: { "X-API-Key": key } })
    return { status: response.status, text: await response.text() }
  }
  expect((await ask(reader.key, "/api/v1/modules/reload", "POST")).status).toBe(403)
  expect(await ask(admin.key, "/api/v1/modules/reload", "POST")).toMatchObject({
    status: 422,
    text: expect.stringContaining("s3cret"),
  })
  expect((await ask(admin.key, "/api/v1/modules")).text).toContain("s3cret")
  const shown = await ask(reader.key, "/api/v1/modules")
  expect(shown).toMatchObject({ status: 200, text: expect.stringContaining("syntax error") })
  expect(shown.text + (await ask("", "/health")).text).not.toContain("s3cret")
})

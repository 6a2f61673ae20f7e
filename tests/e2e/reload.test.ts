import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { newKey } from "../../src/commands/new-key.ts"
import { FROM_BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { handledBy, versioned } from "../support/versioned-module.ts"
import { waitUntil } from "../support/wait-until.ts"

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

test("a reload warns that it takes no schemas into use, once for each change of them", async () => {
  const warning =
    "schemas changed: a reload takes no schemas into use, so restart to validate payloads with them"
  await using folder = new ServiceFolder()
  folder.write("handlers/versioned.ts", versioned(folder, "v1"))
  folder.write("schemas/user/login.json", "{}")
  const service = await folder.start({ SCHEMAS_DIR: "schemas" })
  await service.post("/api/v1/modules/reload", {})
  expect(logged(service, warning)).toEqual([])
  folder.write("schemas/user/login@2.json", "{}")
  for (let i = 0; i < 2; i++) await service.post("/api/v1/modules/reload", {})
  await waitUntil(() => logged(service, "handler modules are unchanged").length === 3, "three reloads")
  expect(logged(service, warning)).toHaveLength(1)
})

test("a folder of modules that vanishes is rejected, whether HANDLERS_DIR names it or not", async () => {
  for (const variables of [{}, { HANDLERS_DIR: "handlers" }]) {
    await using folder = new ServiceFolder()
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    const service = await folder.start(variables)
    rmSync(join(folder.path, "handlers"), { recursive: true })
    expect((await service.post("/api/v1/modules/reload", {})).status).toBe(422)
    expect((await service.get("/health")).body).toMatchObject({ status: "degraded" })
    await handledBy(service, folder, "v1")
  }
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
    const [fault] = logged(service, "handler modules rejected; events wait until they can be used")
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
    expect(listed.out).toMatch(/^1 +ready +0 +\d+ MiB +\d+ % +0$/m)
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

describe("a module that never loads", () => {
  const never = (folder: ServiceFolder) =>
    `${folder.journal('"loading"')}
    await new Promise(() => {})
    export default { queue: "custom_events", on: { "*"() {} } }`

  test("does not keep a repair waiting: the later reload ends the earlier, and both have its result", async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    const service = await folder.start()
    folder.write("handlers/versioned.ts", never(folder))
    const first = service.post("/api/v1/modules/reload", {})
    await waitUntil(() => folder.journalLines().includes("loading"), "the module to load")
    folder.write("handlers/versioned.ts", versioned(folder, "v2"))
    const second = service.post("/api/v1/modules/reload", {})
    const answers = await Promise.all([first, second].map(async (answer) => (await answer).json()))
    expect(answers[0]).toEqual(answers[1])
    expect(answers[1]).toMatchObject({ is_changed: true })
    await handledBy(service, folder, "v2")
    expect(logged(service, "handler modules rejected; those before stay in use")).toEqual([])
  })

  test("does not keep a repair waiting either if reloads are asked for while the files are read", async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    const service = await folder.start()
    folder.write("handlers/versioned.ts", never(folder))
    const asked = Array.from({ length: 5 }, () => service.post("/api/v1/modules/reload", {}))
    await waitUntil(() => folder.journalLines().includes("loading"), "the module to load")
    folder.write("handlers/versioned.ts", versioned(folder, "v2"))
    expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
    for (const answer of asked) expect((await answer).status).toBe(200)
    await handledBy(service, folder, "v2")
    expect(service.log.filter(({ msg }) => msg.includes("takes long"))).toEqual([])
  })

  test("does not keep the service from stopping", async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/versioned.ts", versioned(folder, "v1"))
    const service = await folder.start()
    folder.write("handlers/versioned.ts", never(folder))
    const asked = service.post("/api/v1/modules/reload", {})
    await waitUntil(() => folder.journalLines().includes("loading"), "the module to load")
    expect(await service.stop()).toBe(0)
    expect((await asked).status).toBe(503)
    expect(logged(service, "handler modules rejected; those before stay in use")).toEqual([])
  })
})

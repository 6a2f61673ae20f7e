import { expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { NewProject } from "../support/new-project.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

test("a new project's types are whole once its packages are installed, its tests included", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  const { devDependencies } = JSON.parse(project.read("package.json"))
  expect(devDependencies["bun-types"]).toBe(packageJson.devDependencies["bun-types"])
  project.installTypes()
  project.write(
    "handlers/typed.ts",
    `import type { HandlerModule } from "event-broker"
     export default { queue: "user_events", on: {
       login: (event, ctx) => process.env["KEY"] === Buffer.from("a").toString() ? ctx.retry() : undefined,
     } } satisfies HandlerModule`,
  )
  expect(await project.checkTypes()).toEqual({ code: 0, stdout: "", stderr: "" })
})

test("a new project keeps its packages, its settings and its store out of Git, and has its settings to copy", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  expect(project.read(".gitignore").split("\n")).toEqual(["data/", "node_modules/", ".env", ""])
  expect(project.read(".env.example")).toBe(project.read(".env"))
})

test("the test context of a new project tells verdicts apart, and has the queue and attempt that a test asks for", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  project.write(
    "tests/voice.test.ts",
    `import { expect, test } from "bun:test"
    import { newContext, newEvent } from "./handler-context.ts"
    const ctx = newContext({ queue: "user_events", attempt: 2 })
    const event = newEvent({ type: "user", name: "login", payload: {}, ordering_key: "u-1" })
    const verdicts = { retry: ctx.retry(), later: ctx.retry({ delay: 5 }), dead: ctx.deadLetter("gone"), done: undefined }
    for (const [given, verdict] of Object.entries(verdicts)) {
      test(given + " is a retry", () => expect(verdict).toEqual(newContext().retry()))
      test(given + " is a retry after 5 ms", () => expect(verdict).toEqual(newContext().retry({ delay: 5 })))
      test(given + " is the dead letter", () => expect(verdict).toEqual(newContext().deadLetter("gone")))
      test(given + " is another dead letter", () => expect(verdict).toEqual(newContext().deadLetter("lost")))
    }
    test("options", () => {
      expect([ctx.queue, ctx.attempt, event.ordering_key]).toEqual(["user_events", 2, "u-1"])
    })
    test("follow-ups", async () => {
      await ctx.publish({ type: "custom", name: "next", payload: {} })
      expect(ctx.published).toMatchObject([{ type: "custom", name: "next", routing_key: "events.custom.next" }])
    })`,
  )
  const { stderr } = await project.test()
  const passed = [...stderr.matchAll(/^\(pass\) (.*?)(?: \[.*\])?$/gm)].map(([, title]) => title)
  expect(passed).toEqual([
    "retry is a retry",
    "later is a retry after 5 ms",
    "dead is the dead letter",
    "options",
    "follow-ups",
  ])
})

test("handlers and the project's tests see .env as it stands, under the environment, without the service's secrets", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  project.write(
    ".env",
    `${project.read(".env")}
STRIPE_KEY='sk_$1_two'
PASSWORD=pa$HOME
GREETING=from the file
RABBITMQ_PASSWORD=hunter2
RABBITMQ_PASSWORD_FILE=
API_KEYS_FILE=
EVENT_BROKER_KEY=eb_from_file
`,
  )
  const given = {
    HOME: "/root",
    GREETING: "from the environment",
    RABBITMQ_USER: "admin",
    EVENT_BROKER_KEY: "eb_given",
    DATABASE_PASSWORD_FILE: "/x",
  }
  project.write(
    "tests/voice.test.ts",
    `import { test } from "bun:test"
     test("", () => Bun.write("seen-by-tests.json", JSON.stringify(process.env)))`,
  )
  project.write(
    "handlers/voice.ts",
    `const child = Bun.spawnSync(["env"], { stdout: "pipe" }).stdout.toString()
     export default { queue: "voice_events", on: { "*": async () => {
       await Bun.write("seen-by-handlers.json", JSON.stringify({ handler: process.env, bun: Bun.env, child }))
     } } }`,
  )
  expect((await project.test(given)).code).toBe(0)
  const inTests = JSON.parse(project.read("seen-by-tests.json"))

  const service = folder.spawnIn(project.path, given)
  await service.listening()
  await service.publish({ type: "voice", name: "ended" })
  const seen = join(project.path, "seen-by-handlers.json")
  await waitUntil(() => existsSync(seen) && readFileSync(seen, "utf8").endsWith("}"), "the handler to run")
  const { handler, bun, child } = JSON.parse(project.read("seen-by-handlers.json"))

  const shared = {
    STRIPE_KEY: "sk_$1_two",
    PASSWORD: "pa$HOME",
    GREETING: "from the environment",
    HANDLERS_DIR: "handlers",
    DATABASE_PASSWORD_FILE: "/x",
  }
  expect(handler).toMatchObject(shared)
  expect(inTests).toMatchObject(shared)
  expect(bun).toEqual(handler)
  expect(child).toContain("STRIPE_KEY=sk_$1_two\n")
  expect(child).not.toMatch(/^RABBITMQ_|^API_KEYS_FILE=|^DATA_DIR=|^EVENT_BROKER_KEY=/m)
  const secrets = (seen: object) =>
    Object.keys(seen).filter((name) => /^RABBITMQ_|^API_KEYS_FILE$|^DATA_DIR$|^EVENT_BROKER_KEY$/.test(name))
  expect([secrets(handler), secrets(inTests)]).toEqual([[], []])
  // A worker is no sandbox: the environment that the process was started with can be read.
  expect(readFileSync(`/proc/${service.pid}/environ`, "utf8")).toContain("RABBITMQ_USER=admin")
})

test("the scripts of a new project's package.json run its tests, and the service", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  const bin = join(folder.path, "bin")
  mkdirSync(bin)
  symlinkSync(BINARY, join(bin, "event-broker"))
  const { scripts } = JSON.parse(project.read("package.json"))
  const run = (script: string, ...args: readonly string[]) =>
    runCommand(["/bin/sh", "-c", [script, ...args].join(" ")], project.path, { PATH: bin })
  const tests = await run(scripts.test)
  expect(tests.stderr).toContain(" 0 fail\n")
  expect(tests.code).toBe(0)
  expect((await run(scripts.start, "--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test("init in a place that is not a folder says so in one sentence, and exits 2", async () => {
  await using folder = new ServiceFolder()
  folder.write("file", "")
  const cases = [
    ["file", /^event-broker: file is not a folder: name a new folder\n$/],
    ["file/app", /^event-broker: file\/app\/.* can't be written: .*\n$/],
  ] as const
  for (const [place, message] of cases) {
    const { code, stderr } = await runCommand([BINARY, "init", place], folder.path)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  }
})

test("init ends with a command that starts the service, whatever the folder's name and where the executable is", async () => {
  await using folder = new ServiceFolder()
  const bin = join(folder.path, "bin")
  mkdirSync(bin)
  const isNotFound = await runCommand([BINARY, "init", "my app"], folder.path, { PATH: bin })
  expect(isNotFound.stdout).toEndWith(`\nstart the service with: cd 'my app' && ${BINARY} dev\n`)
  symlinkSync(BINARY, join(bin, "event-broker"))
  const isFound = await runCommand(["event-broker", "init", "."], folder.path, { PATH: bin })
  expect(isFound.stdout).toEndWith("\nstart the service with: event-broker dev\n")
})

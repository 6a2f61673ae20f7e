import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { describeVariables } from "../../src/config.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"

test("-v and --version print the version, and the help of serve lists every variable in a group", async () => {
  await using folder = new ServiceFolder()
  for (const flag of ["-v", "--version"]) {
    const version = folder.spawn([flag])
    expect(await version.exited()).toBe(0)
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  }
  const help = folder.spawn(["serve", "--help"])
  expect(await help.exited()).toBe(0)
  const lines = help.stdout.split("\n")
  for (const { name } of describeVariables()) {
    expect(lines.filter((line) => line.startsWith(`  ${name} `))).toHaveLength(1)
  }
  expect(lines).toContain("RabbitMQ:")
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})

test("on a terminal the help of serve is as wide as the terminal", async () => {
  await using folder = new ServiceFolder()
  await using terminal = new Terminal([BINARY, "serve", "--help"], folder.path, {})
  const lines = (await terminal.ended()).replaceAll("\r", "").split("\n")
  const longest = Math.max(...lines.map((line) => line.length))
  expect(longest).toBeGreaterThan(80)
  expect(longest).toBeLessThanOrEqual(200)
})

const MISTAKES: readonly (readonly [command: string, advice: string])[] = [
  ["quues", "there is no command quues; did you mean event-broker queues?"],
  ["start", "there is no command start; did you mean event-broker serve?"],
  ["test", "the tests of a project run by npm test"],
  ["queues lst", "event-broker queues has no command lst; did you mean event-broker queues list?"],
  ["help quues", "there is no command quues; did you mean event-broker queues?"],
  ["completions tcsh", "<shell> takes bash, zsh or fish, not tcsh"],
  [
    "publish --type vioce --name x",
    "--type takes voice, user, system, notification or custom, not vioce; did you mean",
  ],
  ["keys new", "keys new needs --name and --scope"],
  ["schemas check", "usage: event-broker schemas check [options] <old> <new>"],
  ["--prot 8000", "set PORT=8000 in the environment or in .env"],
  ["serve --rabbitmq-pasword=s3cret", "set RABBITMQ_PASSWORD=… in the environment or in .env"],
  ["dead-letters redrive q --id a b", "repeat the option: --id … --id …"],
  ["dead-letters list --reason timeout", "--reason can only be given with a queue"],
  [
    "dead-letters redrive q --all --name x",
    "--all selects every dead letter: leave it out, or leave out --name",
  ],
  ["dead-letters redriv q", "did you mean event-broker dead-letters redrive?"],
  ["zzzzzz", "event-broker --help lists the commands"],
  ["PORT=3000", "a variable stands before the program: PORT=3000 event-broker"],
  ["--port 3000", "set PORT=3000 in the environment or in .env"],
  ["serve --rabbitmq-host=a,b", "set RABBITMQ_HOST=a,b in the environment or in .env"],
  ["--rabbitmq-password=s3cret", "set RABBITMQ_PASSWORD=… in the environment or in .env"],
  ["--rabbitmq-host=guest:s3cret@a", "set RABBITMQ_HOST=********@a in the environment or in .env"],
  ["--rabbitmq-host guest:s3cret@a", "set RABBITMQ_HOST=********@a in the environment or in .env"],
  ["RABBITMQ_PASSWORD=s3cret", "a variable stands before the program: RABBITMQ_PASSWORD=… event-broker"],
  [
    "RABBITMQ_HOST=guest:s3cret@a",
    "a variable stands before the program: RABBITMQ_HOST=********@a event-broker",
  ],
  ["tail --cuont 3", "Did you mean --count?"],
  [
    "queues --url http://127.0.0.1:8000?x=1",
    "take a URL without a query, not http://127.0.0.1:8000?********",
  ],
  ["queues --key clé", "--key and EVENT_BROKER_KEY take an API key"],
  ["keys new --scope admin --name \u0007", "--name takes at least one character"],
]

describe("a mistyped command names the probable one, and exits 2", () => {
  test.each(MISTAKES)("%s", async (command, advice) => {
    await using folder = new ServiceFolder()
    const mistake = folder.spawn(command.split(" "))
    expect(await mistake.exited()).toBe(2)
    expect(mistake.stderr).toContain(advice)
    expect(mistake.stderr).toStartWith("event-broker: ")
    expect(mistake.stderr).not.toContain("s3cret")
  })
})

test.each(["help queues purge", "queues help purge", "queues purge --help"])(
  "%s prints the help of that command",
  async (command) => {
    await using folder = new ServiceFolder()
    const help = folder.spawn(command.split(" "))
    expect(await help.exited()).toBe(0)
    expect(help.stdout).toStartWith("Usage: event-broker queues purge [options] <queue>\n")
  },
)

test("help behind a command whose arguments are optional prints its help", async () => {
  await using folder = new ServiceFolder()
  const help = folder.spawn(["publish", "help"])
  expect(await help.exited()).toBe(0)
  expect(help.stdout).toStartWith("Usage: event-broker publish [options] [file]\n")
})

test("the help of queues has the options of its default command", async () => {
  await using folder = new ServiceFolder()
  const [queues, list] = [folder.spawn(["queues", "--help"]), folder.spawn(["queues", "list", "--help"])]
  expect([await queues.exited(), await list.exited()]).toEqual([0, 0])
  const [, own = ""] = list.stdout.split("\nOptions:\n")
  expect(own).toContain("--watch")
  expect(queues.stdout).toEndWith(`\nOptions without a command, and of list:\n${own}`)
})

test("the help of serve lists every choice, and every number with its unit, range and default", async () => {
  await using folder = new ServiceFolder()
  const help = folder.spawn(["serve", "--help"])
  expect(await help.exited()).toBe(0)
  const text = help.stdout.replace(/\s+/g, " ")
  for (const { takes, readableDefault } of describeVariables()) {
    if (takes !== "") expect(text).toContain(` Values: ${takes}. Default: ${readableDefault || "none"}.`)
  }
})

test("a wrong configuration lists every wrong variable at once, and exits 2", async () => {
  await using folder = new ServiceFolder()
  const service = folder.spawn([], { PORT: "http", QUEUE_TTL: "-1", LOG_LEVEL: "LOUD" })
  expect(await service.exited()).toBe(2)
  for (const fault of [
    'PORT takes a whole number from 0 to 65535, not "http"',
    'QUEUE_TTL takes a whole number of milliseconds from 1000 to 31536000000, not "-1"',
    'LOG_LEVEL takes DEBUG, INFO, WARNING or ERROR, not "LOUD"',
  ]) {
    expect(service.stderr).toContain(`\n  ${fault}\n`)
  }
})

test("a port in use is reported in one sentence, and exits 1", async () => {
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

test.each([
  ["/proc/x", "can't be created: ENOENT"],
  ["/proc", "can't be locked: "],
])("a DATA_DIR that can't be written is reported in one sentence, and exits 2: %s", async (path, reason) => {
  await using folder = new ServiceFolder()
  const service = folder.spawn([], { DATA_DIR: path })
  expect(await service.exited()).toBe(2)
  expect(service.stderr).toStartWith(`event-broker: DATA_DIR ${path} ${reason}`)
  expect(service.stderr.trimEnd()).not.toContain("\n")
})

test("every path that leads to nothing usable is listed with the other wrong variables, and exits 2", async () => {
  await using folder = new ServiceFolder()
  folder.write("file", "")
  const paths = {
    HANDLERS_DIR: ["nowhere", "folder", "nowhere does not exist"],
    SCHEMAS_DIR: ["file", "folder", "file is a file"],
    API_KEYS_FILE: ["handlers", "file", "handlers is a folder"],
    DATA_DIR: ["file/data", "folder", "file/data is below something that is not a folder"],
  } as const
  const given = Object.entries(paths).map(([name, [path]]) => [name, path] as const)
  const environment = { PORT: "eighty", ...Object.fromEntries(given) }
  for (const command of [[], ["config"]]) {
    const service = folder.spawn(command, environment)
    expect(await service.exited()).toBe(2)
    const [first, ...faults] = service.stderr.trimEnd().split("\n")
    expect(first).toBe("event-broker: the configuration is wrong:")
    expect(faults).toHaveLength(5)
    expect(faults[0]).toStartWith("  PORT takes a whole number")
    for (const [name, [, kind, reason]] of Object.entries(paths)) {
      expect(faults).toContain(`  ${name} takes the path of a readable ${kind}: ${folder.path}/${reason}`)
    }
  }
})

test("a file in the place of the default folder of handlers is a wrong path, and exits 2", async () => {
  await using folder = new ServiceFolder()
  folder.write("empty/handlers", "")
  const service = folder.spawnIn(join(folder.path, "empty"))
  expect(await service.exited()).toBe(2)
  expect(service.stderr).toContain("\n  HANDLERS_DIR takes the path of a readable folder: ")
})

test("a .env that is a folder is reported by every command in one sentence, and exits 2", async () => {
  await using folder = new ServiceFolder()
  folder.write(".env/empty", "")
  for (const command of [[], ["config"], ["queues", "list"], ["store", "compact"], ["health"]]) {
    const service = folder.spawn(command)
    expect(await service.exited()).toBe(2)
    expect(service.stderr).toBe(
      "event-broker: the configuration is wrong:\n" +
        `  .env must be a readable file of variables, if it exists: ${folder.path}/.env is a folder\n`,
    )
  }
})

import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"
import { waitUntil } from "../support/wait-until.ts"

const FAILING = `export default {
  queue: "user_events",
  retry: { attempts: 1 },
  on: { "*": () => { throw new Error("the server is down") } },
}`

/** Runs a command of the binary against a service. */
const run = (folder: ServiceFolder, service: RunningService | null, args: readonly string[], stdin = "") =>
  runCommand(
    [BINARY, ...args],
    folder.path,
    { EVENT_BROKER_URL: service?.url ?? "http://127.0.0.1:9" },
    stdin,
  )

const letters = async (service: RunningService, count: number) =>
  waitUntil(async () => {
    const { body } = await service.get("/api/v1/dead-letters/user_events")
    return (body as { readonly count: number }).count === count
  }, `${count} dead letters`)

describe("publish", () => {
  test("takes an event from flags, a file or standard input, and says why one is refused", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const flags = [
      "--type",
      "voice",
      "--name",
      "ended",
      "--payload",
      '{"s":1}',
      "--id",
      "e-1",
      "--priority",
      "high",
    ]
    expect(await run(folder, service, ["publish", ...flags])).toMatchObject({
      code: 0,
      stdout: "stored e-1 on events.voice.ended\n",
    })
    folder.write("event.json", '{"id":"e-2","type":"user","name":"login","payload":{}}')
    expect((await run(folder, service, ["publish", "event.json"])).stdout).toContain("e-2")
    const piped = await run(
      folder,
      service,
      ["publish", "-", "--json"],
      '{"type":"user","name":"out","payload":{}}',
    )
    expect(JSON.parse(piped.stdout)).toMatchObject({ type: "user", name: "out", status: "pending" })
    writeFileSync(
      join(folder.path, "latin1.json"),
      Buffer.from('{"type":"user","name":"in","payload":{"a":"é"}}', "latin1"),
    )
    expect(await run(folder, service, ["publish", "latin1.json"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("latin1.json is not UTF-8"),
    })
    for (const name of ["user.login.failed", "events.user.login.failed"]) {
      expect(await run(folder, service, ["publish", "--type", "user", "--name", name])).toEqual({
        code: 0,
        stdout: expect.stringContaining(` on events.user.${name}\n`),
        stderr: `event-broker: --name ${name} repeats the beginning of the topic, and the event is published so, as user.${name}; did you mean --name login.failed?\n`,
      })
    }
    const refused = await run(folder, service, ["publish", "--type", "user", "--name", "a b"])
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toContain("/name must be words")
  })

  test("streams lines, names those that failed, and exits with a code for all, some or none stored", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const line = (name: string) => JSON.stringify({ type: "user", name, payload: {} })
    folder.write("good.ndjson", Array.from({ length: 5_000 }, (_, index) => line(`n-${index}`)).join("\n"))
    expect(await run(folder, service, ["publish", "good.ndjson"])).toEqual({
      code: 0,
      stdout: "5000 stored, 0 failed\n",
      stderr: "",
    })
    const some = await run(folder, service, ["publish", "--ndjson", "-"], `${line("a")}\n\n${line("b c")}\n`)
    expect(some).toMatchObject({ code: 4, stdout: "1 stored, 1 failed\n" })
    expect(some.stderr).toContain("line 3: ")
    expect((await run(folder, service, ["publish", "--ndjson", "-"], "{}\n")).code).toBe(1)
  })

  test.each([
    [["publish", "/dev/zero"], "/dev/zero is larger than 67108864 bytes: write an event per line"],
    [["publish", "--ndjson", "/dev/zero"], "a line is longer than 67108864 bytes"],
  ])("ends at input without an end: %j", async (args, message) => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const { code, stderr } = await run(folder, service, args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })

  test("of lines to a full queue says that it waits, and that it goes on", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start({ QUEUE_MAX_LENGTH: "1" })
    await service.publish({ type: "user", name: "first" })
    folder.write("more.ndjson", '\r\n{"type":"user","name":"second","payload":{}}')
    const publish = folder.spawn(["publish", "more.ndjson", "--url", service.url])
    await waitUntil(() => publish.stderr.endsWith("\n"), "the notice")
    expect(publish.stderr).toBe(
      "event-broker: waiting: the service takes no more events for now, because a queue is full or the key's rate is used up\n",
    )
    await service.post("/api/v1/queues/user_events/purge", {})
    expect(await publish.exited()).toBe(0)
    expect(publish.stderr).toMatch(/^event-broker: waiting: .*\nevent-broker: going on after \d+ s\n$/)
    expect(publish.stdout).toBe("1 stored, 0 failed\n")
  })

  test("takes a JSON array, a batch object, and lines on standard input", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const event = (name: string) => ({ type: "user", name, payload: {} })
    folder.write("events.json", JSON.stringify([event("a"), event("b")]))
    const stored = { code: 0, stdout: "2 stored, 0 failed\n", stderr: "" }
    expect(await run(folder, service, ["publish", "events.json"])).toEqual(stored)
    const batch = JSON.stringify({ events: [event("a"), event("b")] })
    expect(await run(folder, service, ["publish", "-"], batch)).toEqual(stored)
    const lines = `${JSON.stringify(event("a"))}\n${JSON.stringify(event("b"))}\n`
    expect(await run(folder, service, ["publish", "-"], lines)).toEqual(stored)
    const some = await run(folder, service, ["publish", "-"], JSON.stringify([event("a"), event("b c")]))
    expect(some).toMatchObject({ code: 4, stdout: "1 stored, 1 failed\n" })
    expect(some.stderr).toContain("event 2: The input is invalid: /name must be words")
    const cloudEvent = { specversion: "1.0", id: "c", source: "/a", type: "user.login", data: {} }
    const one = await run(folder, service, ["publish", "-"], JSON.stringify(cloudEvent))
    expect(one.stdout).toBe("stored c on events.user.login\n")
    const several = await run(folder, service, ["publish", "-"], JSON.stringify([cloudEvent, cloudEvent]))
    expect(several).toEqual(stored)
    const whole = await run(folder, service, ["publish", "-"], "1")
    expect(whole.stderr).toContain("The input is invalid\n  must be a JSON object\n")
    const none = await run(folder, service, ["publish", "-", "--json"], JSON.stringify([event("b c")]))
    expect(none.code).toBe(1)
    expect(JSON.parse(none.stdout)).toMatchObject({ count: 0, failed: 1 })
  })
})

test("on a terminal there are colours, and the progress of a long publish", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  // script(1) gives a command a terminal of its own.
  const onTerminal = (command: string) =>
    runCommand(
      ["script", "--quiet", "--return", "--command", `${BINARY} ${command}`, "/dev/null"],
      folder.path,
      {
        EVENT_BROKER_URL: service.url,
        TERM: "xterm-256color",
      },
    )
  let shown = ""
  const tail = onTerminal("tail --count 1").then(({ stdout }) => {
    shown = stdout
  })
  await waitUntil(async () => {
    await service.publish({ type: "voice", name: "ended", priority: "critical" })
    return shown !== ""
  }, "the command to have shown an event")
  await tail
  expect(shown).toContain("\x1b[31m")
  expect(shown).toContain("voice.ended")
  const line = JSON.stringify({ type: "user", name: "x", payload: {} })
  folder.write("many.ndjson", `${line}\n`.repeat(20_000))
  const { code, stdout } = await onTerminal("publish many.ndjson")
  expect(code).toBe(0)
  expect(stdout).toMatch(/\[#{24}\] 100% {2}20,000 stored, 0 failed, [\d,]+\/s/)
})

test("tail shows events as they are stored, as JSON lines in a pipe, and ends after --count events", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  const tail = run(folder, service, ["tail", "events.voice.*", "--count", "2"])
  await waitUntil(async () => {
    await service.publish({ type: "user", name: "other" })
    return (await fetch(`${service.url}/metrics`).then((each) => each.text())).includes(
      "event_broker_live_clients 1",
    )
  }, "the command to look")
  await service.publish({ type: "voice", name: "started" })
  await service.publish({ type: "voice", name: "ended" })
  const { code, stdout } = await tail
  expect([
    code,
    ...stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).name),
  ]).toEqual([0, "started", "ended"])
})

test("tail names a topic that no event can have, and shows the events of the others", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  const tail = folder.spawn(["tail", "voice", "events.user.#", "--url", service.url])
  await waitUntil(() => tail.stderr.endsWith("\n"), "the advice")
  expect(tail.stderr).toBe(
    "event-broker: no queue takes events with the topic voice, so none will be shown; did you mean events.voice.#?\n",
  )
  const id = await service.publish({ type: "user", name: "login" })
  await waitUntil(() => tail.stdout.includes(id), "the event")
})

test("dead letters are listed, redriven and purged, and never all of them by mistake", async () => {
  await using folder = new ServiceFolder()
  const fault = "mail.example.com does not answer on port 25, and the server is down"
  folder.write("handlers/failing.mjs", FAILING.replace("the server is down", fault))
  const service = await folder.start()
  for (const name of ["a", "b", "c"]) await service.publish({ id: name, type: "user", name })
  await letters(service, 3)
  const command = (...args: readonly string[]) => run(folder, service, ["dead-letters", ...args])
  expect((await command("list")).stdout).toMatch(/^user_events +3$/m)
  // The error is the last column, and is not cut: what to do may stand at its end.
  expect((await command("list", "user_events")).stdout).toMatch(
    /^a +user\.a +attempts-exhausted +1 .*: mail\.example\.com does not answer on port 25, and the server is down$/m,
  )
  expect(JSON.parse((await command("list", "user_events", "--name", "b", "--json")).stdout)).toMatchObject([
    { event: { id: "b" }, reason: "attempts-exhausted" },
  ])
  const dryRun = ["purge", "user_events", "--dry-run"]
  expect((await command(...dryRun, "--error", "port 25", "--since", "1h")).stdout).toStartWith("3 would")
  expect((await command(...dryRun, "--error", "port 26")).stdout).toStartWith("no dead letter")
  const hourAgo = String(Date.now() / 1_000 - 3_600)
  expect((await command(...dryRun, "--until", hourAgo)).stdout).toStartWith("no dead letter")
  expect(await command("redrive", "user_events")).toMatchObject({ code: 2, stdout: "" })
  expect((await command("redrive", "user_events", "--all", "--dry-run")).stdout).toStartWith(
    "3 would be moved",
  )
  // The queue can stand behind the ids too.
  expect((await command("redrive", "--id", "a", "--id", "b", "user_events")).stdout).toBe(
    "2 moved back to user_events, 1 left\n",
  )
  await letters(service, 3)
  expect((await command("purge", "user_events", "--id", "c")).stdout).toBe("1 deleted, 2 left\n")
  const unknown = await command("list", "nowhere")
  expect(unknown.code).toBe(1)
  expect(unknown.stderr).toContain("the queues are custom_events")
})

test("a selection that matches nothing says so, and a purge can be tried without deleting", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/failing.mjs", FAILING.replace("server is down", "server\\nis down"))
  const service = await folder.start()
  await service.publish({ id: "a", type: "user", name: "login" })
  await letters(service, 1)
  const command = (...args: readonly string[]) => run(folder, service, ["dead-letters", ...args])
  const table = (await command("list", "user_events")).stdout.trimEnd().split("\n")
  // An error of several lines is one row.
  expect(table).toEqual([expect.stringMatching(/^id /), expect.stringMatching(/^a .*Error: the server…$/)])
  const nothing = "no dead letter of user_events matches"
  for (const change of ["redrive", "purge"]) {
    expect(await command(change, "user_events", "--id", "b")).toMatchObject({
      code: 0,
      stdout: `${nothing}; it has 1 dead letter\n`,
    })
  }
  expect(await command("list", "user_events", "--name", "none")).toMatchObject({ stderr: `${nothing}\n` })
  expect(await command("list", "voice_events")).toMatchObject({
    stderr: "voice_events has no dead letters\n",
  })
  expect((await command("purge", "user_events", "--all", "--dry-run")).stdout).toBe(
    "1 would be deleted, 0 left\n",
  )
  expect((await command("purge", "user_events", "--all")).stdout).toBe("1 deleted, 0 left\n")
  for (const reason of ["error", "retry-requested"]) {
    const refused = await command("list", "user_events", "--reason", reason)
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("--reason takes ")])
    expect((await service.get(`/api/v1/dead-letters/user_events?reason=${reason}`)).status).toBe(422)
  }
})

test("queues are paused and resumed, a purge has a dry run, and each change is in the log with its request", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/voice.mjs", 'export default { queue: "voice_events", on: { "*": () => {} } }')
  const service = await folder.start()
  const command = (...args: readonly string[]) => run(folder, service, ["queues", ...args])
  expect((await command("pause", "voice_events")).stdout).toContain("voice_events is paused on this instance")
  await service.publish({ type: "voice", name: "waits" })
  expect((await command("purge", "voice_events", "--dry-run")).stdout).toBe(
    "1 event of voice_events would be deleted\n",
  )
  expect((await command("purge", "voice_events")).stdout).toBe("1 event of voice_events deleted\n")
  expect((await command("resume", "voice_events")).stdout).toBe(
    "voice_events is resumed: this instance handles its events\n",
  )
  const idle = await command("pause", "user_events")
  expect([idle.code, idle.stderr]).toEqual([
    1,
    expect.stringContaining("user_events exists, but no handler module of this instance consumes it"),
  ])
  expect((await command("pause", "nowhere")).stderr).toContain("There is no queue")
  await run(folder, service, ["dead-letters", "redrive", "nowhere", "--all"])
  await run(folder, service, ["dead-letters", "purge", "voice_events", "--all"])
  await run(folder, service, ["dead-letters", "redrive", "voice_events", "--all"])
  const changes = service.log.filter(({ request_id }) => request_id !== undefined)
  expect(changes).toMatchObject([
    { msg: "queue paused", queue: "voice_events" },
    { msg: "queue purged", queue: "voice_events", purged: 1 },
    { msg: "queue resumed", queue: "voice_events" },
    { level: "warn", msg: "change refused", queue: "user_events", problem: "not-found" },
    { msg: "change refused", queue: "nowhere" },
    { msg: "change refused", queue: "nowhere", change: "POST /api/v1/dead-letters/:queue/redrive" },
  ])
})

test("on a terminal a purge of everything asks first, and deletes only after a yes", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/failing.mjs", FAILING)
  const service = await folder.start()
  for (const name of ["a", "b"]) await service.publish({ id: name, type: "user", name })
  await letters(service, 2)
  const purge = ["dead-letters", "purge", "user_events", "--all"]
  const answered = async (args: readonly string[], answer: string): Promise<string> => {
    await using terminal = new Terminal([BINARY, ...args], folder.path, { EVENT_BROKER_URL: service.url })
    await waitUntil(() => terminal.output.includes("[y/N]"), "the question")
    terminal.type(answer)
    // Awaited here: the terminal is closed at the end of this function.
    return await terminal.ended()
  }
  for (const no of ["n\r", "\r", "\x04"]) {
    const shown = await answered(purge, no)
    expect(shown).toContain("Delete 2 dead letters of user_events for good? [y/N]")
    expect(shown).toContain("event-broker: nothing was deleted")
  }
  await using counted = new Terminal([BINARY, ...purge], folder.path, { EVENT_BROKER_URL: service.url })
  await waitUntil(() => counted.output.includes("[y/N]"), "the question")
  await service.publish({ id: "c", type: "user", name: "a" })
  await letters(service, 3)
  counted.type("y\r")
  // It deletes what it has counted, and not the dead letter that came while somebody thought about it.
  expect(await counted.ended()).toContain("2 deleted, 1 left")
  expect(await answered(purge, "y\r")).toContain("1 deleted, 0 left")
  await service.publish({ type: "custom", name: "waits" })
  expect(await answered(["queues", "purge", "custom_events"], "y\r")).toContain(
    "1 event of custom_events deleted",
  )
  await using sure = new Terminal([BINARY, "queues", "purge", "custom_events", "--yes"], folder.path, {
    EVENT_BROKER_URL: service.url,
  })
  expect(await sure.ended()).toContain("0 events of custom_events deleted")
})

test("queues shows depth, running events, rate, consumers and state", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/voice.mjs", 'export default { queue: "voice_events", on: { "*": () => {} } }')
  folder.write(
    "handlers/held.mjs",
    'export default { queue: "system_events", on: { held: () => new Promise(() => {}) } }',
  )
  const service = await folder.start({
    QUEUE_MAX_LENGTH: "2",
    WORKER_POOL_SIZE: "1",
    WORKER_PREFETCH_COUNT: "1",
  })
  const held = async () => {
    const { body } = await service.get("/api/v1/queues/system_events")
    return (body as { readonly running: number }).running
  }
  await service.publish({ type: "system", name: "held" })
  await waitUntil(async () => (await held()) === 1, "the event to run")
  await service.publish({ type: "system", name: "held" })
  await service.publish({ type: "custom", name: "waits" })
  await service.publish({ type: "user", name: "waits" })
  await service.publish({ type: "user", name: "waits" })
  const { stdout } = await run(folder, service, ["queues"])
  expect(stdout).toMatch(/^queue +waiting +oldest +running +retrying +dead +done\/s +consumers +state$/m)
  expect(stdout).toMatch(/^voice_events +0 +- +0 +0 +0 +0 +1$/m)
  expect(stdout).toMatch(/^system_events +1 +\ds +1 +0 +0 +0 +1 +busy$/m)
  expect(stdout).toMatch(/^custom_events +1 +\ds +0 +0 +0 +0 +0 +no handler module$/m)
  expect(stdout).toMatch(/^user_events +2 +\ds +0 +0 +0 +0 +0 +full and no handler module$/m)
  const ofOneState = stdout.split("\n").filter((row) => !row.includes("full"))
  expect(Math.max(...ofOneState.map((row) => row.length))).toBeLessThanOrEqual(100)
  const rows = JSON.parse((await run(folder, service, ["queues", "--json"])).stdout)
  expect(rows).toContainEqual(
    expect.objectContaining({ queue_name: "voice_events", consumer_count: 1, rate: 0, state: "" }),
  )
  expect(rows).toContainEqual(
    expect.objectContaining({
      queue_name: "system_events",
      message_count: 1,
      waiting_count: 1,
      running_count: 1,
      retrying_count: 0,
      oldest_waiting_age: expect.any(Number),
      is_busy: true,
      state: "busy",
    }),
  )
})

describe("schemas", () => {
  test("are listed and shown, and payloads are checked against them", async () => {
    await using folder = new ServiceFolder()
    folder.write("schemas/user/login.json", '{"properties":{"user":{"type":"integer"}}}')
    const service = await folder.start({ SCHEMAS_DIR: "schemas" })
    const command = (...args: readonly string[]) => run(folder, service, ["schemas", ...args], '{"user":"x"}')
    expect((await command("list")).stdout).toMatch(/^user\/login +1$/m)
    expect(JSON.parse((await command("show", "user/login")).stdout)).toHaveProperty("properties.user")
    expect(await command("validate", "user/login", "-")).toMatchObject({
      code: 1,
      stdout: "/payload/user must be an integer\n",
    })
  })

  test("that do not exist are named, with the one that was probably meant, or those that there are", async () => {
    await using folder = new ServiceFolder()
    folder.write("schemas/user/login.json", "{}")
    const service = await folder.start({ SCHEMAS_DIR: "schemas" })
    const refused = async (event: string) => {
      const shown = await run(folder, service, ["schemas", "show", event])
      const validated = await run(folder, service, ["schemas", "validate", event, "-"], "{}")
      expect(validated).toEqual(shown)
      return { code: shown.code, stderr: shown.stderr }
    }
    expect(await refused("user/logn")).toEqual({
      code: 1,
      stderr: "event-broker: user/logn has no schema; did you mean user/login?\n",
    })
    expect(await refused("voice/ringing")).toEqual({
      code: 1,
      stderr: "event-broker: voice/ringing has no schema; the events with a schema are user/login.\n",
    })
    for (const event of ["login", "user.login", "events.user.login", "user/login.json"]) {
      expect((await refused(event)).stderr).toContain("did you mean user/login?")
    }
    for (const event of ["", "ringing", "a/b/c", "../queues", "user/.."]) {
      const { code, stderr } = await refused(event)
      expect(code).toBe(2)
      expect(stderr).not.toContain("/api/")
    }
  })

  test("are compared with their successors without a service", async () => {
    await using folder = new ServiceFolder()
    folder.write("common.json", '{"$defs":{"id":{"type":"string"}}}')
    folder.write("old.json", '{"properties":{"id":{"$ref":"common.json#/$defs/id"}}}')
    folder.write("new.json", '{"properties":{"id":{"type":"integer"}},"required":["id"],"if":{}}')
    const check = (...files: readonly string[]) => run(folder, null, ["schemas", "check", ...files])
    expect(await check("old.json", "old.json")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^compatible/),
    })
    const { code, stdout } = await check("old.json", "new.json")
    expect([
      code,
      ...stdout
        .trim()
        .split("\n")
        .map((line) => line.replaceAll(/ +/g, " ")),
    ]).toEqual([
      1,
      "breaks publishers /required id has to be there now",
      "breaks publishers /properties/id/type no longer accepts string",
      "breaks handlers /properties/id/type may now be integer",
      "not compared /if",
    ])
    expect(JSON.parse((await check("new.json", "old.json", "--json")).stdout)).toMatchObject({
      is_compatible: false,
    })
    expect((await check("old.json", "gone.json")).code).toBe(2)
    folder.write("unusable.json", '{"properties":{"id":{"pattern":"(?=a)"}}}')
    expect(await check("old.json", "unusable.json")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'unusable.json can\'t be used: the pattern "(?=a)" at /properties/id/pattern',
      ),
    })
  })
})

test("openapi prints the documents of the service", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  expect(JSON.parse((await run(folder, service, ["openapi"])).stdout)).toHaveProperty("openapi", "3.1.0")
  expect(JSON.parse((await run(folder, service, ["openapi", "--async"])).stdout)).toHaveProperty(
    "asyncapi",
    "3.0.0",
  )
})

describe("each kind of failure has a message and an exit code", () => {
  test.each([
    ["an unknown command", ["queuez"], 2, "there is no command queuez"],
    ["an unknown option", ["queues", "--quick"], 2, "unknown option"],
    ["nothing to publish", ["publish"], 2, "give --type and --name, or a file"],
    ["a missing file", ["publish", "gone.json"], 2, "gone.json does not exist"],
    [
      "a payload that is not JSON",
      ["publish", "--type", "user", "--name", "x", "--payload", "{"],
      2,
      "It is not JSON: column 2",
    ],
    [
      "a payload with a number that can't be stored",
      ["publish", "--type", "user", "--name", "x", "--payload", '{"n":1e999}'],
      2,
      "A number is too large to be stored",
    ],
    ["an invalid URL", ["queues", "--url", "there"], 2, "EVENT_BROKER_URL take a URL"],
    ["no service", ["queues"], 3, "the service at http://127.0.0.1:9 can't be reached"],
  ] as const)("%s", async (_, args, code, message) => {
    await using folder = new ServiceFolder()
    const result = await run(folder, null, args)
    expect(result).toMatchObject({ code, stdout: "" })
    expect(result.stderr).toContain(message)
  })

  test("a missing key, and a given one", async () => {
    await using folder = new ServiceFolder()
    const { stdout } = await run(folder, null, ["keys", "new", "--name", "cli", "--scope", "read", "--json"])
    const { key, line } = JSON.parse(stdout)
    folder.write("keys", `${line}\n`)
    const service = await folder.start({ API_KEYS_FILE: "keys" })
    const refused = await run(folder, service, ["queues"])
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toContain("EVENT_BROKER_KEY")
    expect((await run(folder, service, ["queues", "--key", key])).code).toBe(0)
    folder.write(".env", `EVENT_BROKER_KEY=${key}\n`)
    expect((await run(folder, service, ["queues"])).code).toBe(0)
  })
})

describe("completions of the real shells", () => {
  const complete = async (shell: string, script: string) => {
    await using folder = new ServiceFolder()
    const { stdout: completions } = await run(folder, null, ["completions", shell])
    folder.write("completions", completions)
    const env = { PATH: `${dirname(BINARY)}:${process.env["PATH"]}` }
    const { stdout, stderr } = await runCommand([shell, "-c", script], folder.path, env)
    expect(stderr).toBe("")
    return stdout.trim().split(/\s+/)
  }

  test("bash", async () => {
    const script = (words: string) =>
      `source ./completions; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _event_broker; echo "\${COMPREPLY[@]}"`
    expect(await complete("bash", script('event-broker dead-letters ""'))).toContain("redrive")
    expect(await complete("bash", script("event-broker qu"))).toEqual(["queues"])
    expect(await complete("bash", script("event-broker publish --type vo"))).toEqual(["voice"])
  })

  test("zsh", async () => {
    const script = `compdef() { : }; source ./completions; compadd() { print -l "\${found[@]}" }; words=(event-broker dead-letters ""); CURRENT=3; _event_broker`
    expect(await complete("zsh", script)).toContain("redrive")
  })

  test("fish", async () => {
    expect(
      await complete("fish", 'source ./completions; complete -C "event-broker dead-letters "'),
    ).toContain("redrive")
  })
})

describe("init", () => {
  test("makes a project whose handler is tested without a broker, and which runs", async () => {
    await using folder = new ServiceFolder()
    expect((await run(folder, null, ["init", "app"])).code).toBe(0)
    const project = join(folder.path, "app")
    const tested = await runCommand([BINARY, "test"], project, { BUN_BE_BUN: "1" })
    expect([tested.code, tested.stderr]).toEqual([0, expect.stringContaining(" 0 fail")])
    const service = folder.spawn([], {
      HANDLERS_DIR: join(project, "handlers"),
      SCHEMAS_DIR: join(project, "schemas"),
    })
    await service.listening()
    await service.publish({
      type: "voice",
      name: "speech_recognized",
      payload: { call_id: "c", text: "a human" },
    })
    await waitUntil(() => service.log.some(({ msg }) => msg === "heard: a human"), "the handler to run")
    const refused = await run(folder, service, ["publish", "--type", "voice", "--name", "speech_recognized"])
    expect(refused.stderr).toContain("/payload/call_id is required")
  })

  test("has the types that the service has", async () => {
    await using folder = new ServiceFolder()
    await run(folder, null, ["init", "."])
    const source = join(import.meta.dir, "..", "..", "src", "handlers", "handler-module.ts")
    folder.write(
      "types/same.ts",
      `import type * as Own from "event-broker"
import type * as Ours from ${JSON.stringify(source)}
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
export const same: [
  Same<Own.Event, Ours.Event>,
  Same<Own.EventDraft["type"], Ours.EventDraft["type"]>,
  Same<keyof Own.EventDraft, keyof Ours.EventDraft>,
  Same<Own.HandlerLog, Ours.HandlerLog>,
  Same<keyof Own.HandlerContext, keyof Ours.HandlerContext>,
  Same<keyof Own.BatchContext, keyof Ours.BatchContext>,
] = [true, true, true, true, true, true]
`,
    )
    const root = join(import.meta.dir, "..", "..")
    const tsc = join(root, "node_modules", ".bin", "tsc")
    const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck"]
    const paths = { compilerOptions: { types: ["bun-types"], typeRoots: [join(root, "node_modules")] } }
    folder.write(
      "tsconfig.same.json",
      JSON.stringify({ extends: "./tsconfig.json", ...paths, files: ["types/same.ts"] }),
    )
    const result = await runCommand([tsc, "-p", "tsconfig.same.json", ...options], folder.path)
    expect(result).toEqual({ code: 0, stdout: "", stderr: "" })
  })

  test("overwrites nothing", async () => {
    await using folder = new ServiceFolder()
    folder.write("tsconfig.json", "mine")
    const result = await run(folder, null, ["init"])
    expect(result).toMatchObject({ code: 2, stdout: "" })
    expect(result.stderr).toContain("already has tsconfig.json")
    expect(readFileSync(join(folder.path, "tsconfig.json"), "utf8")).toBe("mine")
    expect(existsSync(join(folder.path, "types"))).toBe(false)
  })
})

import { expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { slowModule } from "../support/slow-module.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Bun's own words for a connection that can't be made. */
const RAW = /typo in the url|able to access the url|verbose: true/

test("a command that reaches nothing says why, where, and what to change", async () => {
  await using folder = new ServiceFolder()
  const [closed] = await freePorts(1)
  using closing = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: (socket) => void socket.end(), data() {} },
  })
  const here = `http://127.0.0.1:${closed}`
  using other = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: (socket) => void socket.end("-ERR unknown command\r\n\r\n"), data() {} },
  })
  for (const [args, environment, message] of [
    [
      ["queues", "--url", `http://127.0.0.1:${other.port}`],
      {},
      "the program that listens there does not speak HTTP",
    ],
    [
      ["queues"],
      { PORT: String(closed) },
      `${here} can't be reached: nothing listens there (ECONNREFUSED). Start it, or say where`,
    ],
    [["queues"], { EVENT_BROKER_URL: here }, "Start it, or correct EVENT_BROKER_URL"],
    [["tail", "--url", here], {}, "Start it, or correct --url"],
    [["queues", "--url", "http://nohost.invalid"], {}, "there is no host of this name (ENOTFOUND)"],
    [
      ["queues", "--url", `http://127.0.0.1:${closing.port}`],
      {},
      "the connection was closed before the answer",
    ],
  ] as const) {
    const { code, stderr } = await runCommand([BINARY, ...args], folder.path, environment)
    expect([code, stderr]).toEqual([3, expect.stringContaining(message)])
    expect(stderr).toMatch(/^(event-broker: nothing listens at .*\n)?event-broker: the service at http:\/\//)
    expect(stderr).not.toMatch(RAW)
  }
})

test("an answer that breaks off is reported in one line", async () => {
  await using folder = new ServiceFolder()
  using breaking = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[")
        socket.end()
      },
    },
  })
  const url = `http://127.0.0.1:${breaking.port}`
  const { code, stderr } = await runCommand([BINARY, "schemas", "list", "--url", url], folder.path)
  expect(code).toBe(3)
  expect(stderr).toMatch(/^event-broker: the connection to the service was lost: .*\(ECONNRESET\)\n$/)
  expect(stderr).not.toMatch(RAW)
})

test("tail says that nothing answers while the service is down, and continues when it is back", async () => {
  await using folder = new ServiceFolder()
  const [port] = await freePorts(1)
  const environment = { PORT: String(port) }
  const service = await folder.start(environment)
  const tail = folder.spawn(["tail"], environment)
  await waitUntil(async () => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    return metrics.includes("event_broker_live_clients 1")
  }, "the command to be a live client")
  await service.stop()
  await waitUntil(() => tail.stderr.includes("nothing listens there (ECONNREFUSED)"), "the second attempt")
  expect(tail.stderr).toMatch(
    /^event-broker: the (service has ended the stream|connection to the service was lost.*); trying again/,
  )
  expect(tail.stderr).toContain(
    `the service at http://127.0.0.1:${port} can't be reached: nothing listens there`,
  )
  const again = await folder.start(environment)
  await waitUntil(() => tail.stderr.includes("connected again"), "the command to be back")
  const id = await again.publish({ name: "back" })
  await waitUntil(() => tail.stdout.includes(id), "the event")
})

/** Answers like a service that is still starting. */
const starting = () =>
  Response.json(
    { type: "urn:event-broker:problem:starting", detail: "The service is still starting." },
    { status: 503, headers: { "Retry-After": "0" } },
  )

test("commands wait for a service that is still starting, and say so", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/slow.ts", slowModule(folder, ""))
  folder.write("event.json", '{"type":"custom","name":"once","payload":{}}')
  const [port] = await freePorts(1)
  const environment = { PORT: String(port) }
  const service = folder.spawn([], environment)
  await waitUntil(
    () =>
      fetch(`http://127.0.0.1:${port}/health/live`).then(
        () => true,
        () => false,
      ),
    "the service to be live",
  )
  const commands = [
    ["queues"],
    ["tail", "--count", "1"],
    ["publish", "event.json"],
    ["publish", "--ndjson", "event.json"],
  ].map((args) => folder.spawn(args, environment))
  await waitUntil(() => commands.every(({ stderr }) => stderr.includes("; waiting ")), "all commands to wait")
  expect(commands.map(({ stderr }) => stderr)).toEqual(
    ["up to 5 s", "until it is ready", "up to 5 s", "up to 5 s"].map(
      (patience) => `event-broker: the service is still starting; waiting ${patience}\n`,
    ),
  )
  folder.write("go", "")
  await service.listening()
  const [queues, tail, publish, lines] = commands
  expect(await queues?.exited()).toBe(0)
  expect(await publish?.exited()).toBe(0)
  expect(publish?.stdout).toMatch(/^stored .* on events\.custom\.once\n$/)
  expect(await lines?.exited()).toBe(0)
  expect(lines?.stdout).toBe("1 stored, 0 failed\n")
  await waitUntil(async () => {
    await service.publish({ name: "more" })
    return tail?.isAlive === false
  }, "the command to have shown an event")
  expect(await tail?.exited()).toBe(0)
})

test.each([
  ["queues", ["queues", "list"]],
  ["publish of lines", ["publish", "event.ndjson"]],
])(
  "%s waits for a service on this machine that does not listen yet, and says so at once",
  async (_, args) => {
    await using folder = new ServiceFolder()
    const [port] = await freePorts(1)
    const environment = { PORT: String(port), HOST: "127.0.0.1" }
    folder.write("event.ndjson", '{"type":"user","name":"a","payload":{}}')
    const command = folder.spawn(args, environment)
    const notice = `event-broker: nothing listens at http://127.0.0.1:${port} yet; waiting up to 3 s\n`
    await waitUntil(() => command.stderr === notice, "the notice")
    await folder.start(environment)
    expect(await command.exited()).toBe(0)
    // It may also have seen the service start.
    expect(command.stderr).toStartWith(notice)
  },
)

test("a command ends with the refusal of a service that goes on starting, and tail goes on waiting", async () => {
  await using folder = new ServiceFolder()
  let asked = 0
  using service = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      asked++
      return starting()
    },
  })
  const environment = { EVENT_BROKER_URL: service.url.origin }
  const tail = folder.spawn(["tail"], environment)
  const { code, stderr } = await runCommand([BINARY, "queues"], folder.path, environment)
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("event-broker: The service is still starting.\n"),
  ])
  const before = asked
  await waitUntil(() => asked > before, "tail to ask again")
  expect(tail.isAlive).toBe(true)
})

test.each([
  [401, "unauthorized", "does not know this API key: check --key or EVENT_BROKER_KEY"],
  [403, "forbidden", "the key may not read"],
] as const)(
  "tail ends if a lost stream is refused with %d for good, and continues after a fault that passes",
  async (status, slug, message) => {
    await using folder = new ServiceFolder()
    const refuse = (refusal: number, kind: string) =>
      Response.json(
        { type: `urn:event-broker:problem:${kind}`, detail: "the key may not read" },
        { status: refusal },
      )
    const answers = [
      () => new Response("", { headers: { "Content-Type": "text/event-stream" } }),
      () => refuse(429, "rate-limited"),
      () => new Response("<p>Bad Gateway</p>", { status: 502, headers: { "Content-Type": "text/html" } }),
      () => new Response("", { headers: { "Content-Type": "text/event-stream" } }),
      () => refuse(status, slug),
    ]
    using service = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => answers.shift()?.() ?? refuse(500, "internal"),
    })
    const tail = ["tail", "--url", service.url.origin, "--key", "eb_key"]
    const { code, stderr } = await runCommand([BINARY, ...tail], folder.path)
    expect([code, answers]).toEqual([1, []])
    expect(stderr.match(/connected again/g)).toHaveLength(1)
    expect(stderr.trimEnd()).toEndWith(message)
  },
)

test("a registry that is down is logged with a plain reason", async () => {
  await using folder = new ServiceFolder()
  const [closed] = await freePorts(1)
  const service = await folder.start({ SERVICE_DISCOVERY_URL: `127.0.0.1:${closed}` })
  await waitUntil(() => service.log.some(({ msg }) => msg.startsWith("not registered")), "the warning")
  const warning = service.log.find(({ msg }) => msg.startsWith("not registered"))
  expect(warning?.["reason"]).toBe("nothing listens there (ECONNREFUSED)")
})

test("without a key, or with a wrong one, a command says how to give one", async () => {
  await using folder = new ServiceFolder()
  const made = folder.spawn(["keys", "new", "--name", "a", "--scope", "publish,read", "--append", "keys"])
  await made.exited()
  const { url } = await folder.start({ API_KEYS_FILE: "keys" })
  const publish = [BINARY, "publish", "--type", "user", "--name", "login", "--url", url]
  const without = await runCommand(publish, folder.path)
  expect([without.code, without.stderr]).toEqual([
    1,
    `event-broker: the service at ${url} needs an API key: give one with --key or EVENT_BROKER_KEY; "event-broker keys new" makes one\n`,
  ])
  const wrong = await runCommand(publish, folder.path, { EVENT_BROKER_KEY: "eb_wrong" })
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    `event-broker: the service at ${url} does not know this API key: check --key or EVENT_BROKER_KEY\n`,
  ])
  const right = await runCommand(publish, folder.path, { EVENT_BROKER_KEY: made.stdout.trim() })
  expect(right.code).toBe(0)
})

test("unbinding a queue that is in use says that it can't be unbound, and changes of nothing leave no log line", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  const run = (...args: readonly string[]) => runCommand([BINARY, ...args, "--url", service.url], folder.path)
  expect((await run("queues", "unbind", "user_events")).stderr).toContain(
    "Only an orphaned queue can be unbound.",
  )
  expect((await run("queues", "delete", "user_events")).stderr).toContain(
    "Only an orphaned queue can be deleted.",
  )
  expect((await run("queues", "purge", "user_events")).stdout).toBe("0 events of user_events deleted\n")
  expect((await run("dead-letters", "purge", "user_events", "--all")).stdout).toBe(
    "user_events has no dead letters\n",
  )
  expect(service.log.filter(({ msg }) => /purged/.test(msg))).toEqual([])
})

import { expect, test } from "bun:test"
import { runCommand } from "../support/run-command.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const COUNT = 100_000

/** Blank lines at the start of the file. */
const BLANKS = 2

/** An event for each line. */
const LINES = Array.from(
  { length: COUNT },
  (_, index) => `{"type":"user","name":"login","payload":{"line":${index + 1 + BLANKS}}}\n`,
).join("")

/** Replaces the idempotency key, which is new each time. */
const withoutKey = (text: string): string => text.replace(/(?<=--idempotency-key )\S+/, "KEY")

/** The ids of the answers that `--json` prints. */
const storedIds = (stdout: string): readonly string[] =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).id)

test.each([
  ["the service is killed", "service", "SIGKILL", 3, "the connection to the service was lost: "],
  ["the command is interrupted", "command", "SIGINT", 130, "ended by SIGINT"],
] as const)(
  "a publish of lines says how far it got and how to continue if %s",
  async (_, target, signal, exitCode, why) => {
    await using folder = new ServiceFolder()
    folder.write("my day.ndjson", "\n".repeat(BLANKS) + LINES)
    const service = await folder.start()
    const publish = folder.spawn(["publish", "my day.ndjson", "--json", "--url", service.url])
    await waitUntil(() => publish.stdout.includes('"id"'), "answers")
    const ended = target === "service" ? service : publish
    ended.signal(signal)
    expect(await publish.exited()).toBe(exitCode)
    const stored = storedIds(publish.stdout)
    const next = stored.length + BLANKS + 1
    expect(next).toBeLessThan(COUNT)
    const [reason, reached, advice] = publish.stderr.trimEnd().split("\n").slice(-3)
    expect(reason).toStartWith(`event-broker: ${why}`)
    expect(reached).toBe(
      `  ${stored.length} stored, 0 failed; from line ${next} on, no line is known to be stored, although some may be`,
    )
    const command = advice?.replace("  to continue: ", "") ?? ""
    const [, key] = / --idempotency-key ([\da-f-]{36}) /.exec(command) ?? []
    expect(command).toBe(
      `tail -n +${next} 'my day.ndjson' | event-broker publish --ndjson --idempotency-key ${key} --first-line ${next} -`,
    )
    const again = target === "service" ? await folder.start() : service
    const rest = await runCommand(["sh", "-c", command.replace("event-broker", BINARY)], folder.path, {
      EVENT_BROKER_URL: again.url,
    })
    expect(rest.stdout).toBe(`${COUNT - stored.length} stored, 0 failed\n`)
    const { body } = await again.get("/api/v1/queues/user_events")
    expect(body).toMatchObject({ waiting: COUNT })
  },
)

test("a publish of lines ends with the service while its input goes on, and says that no further line is stored", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  const publish = Bun.spawn([BINARY, "publish", "--ndjson", "-", "--url", service.url], {
    cwd: folder.path,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  })
  publish.stdin.write('\n{"type":"user","name":"login","payload":{}}\n')
  await publish.stdin.flush()
  await waitUntil(async () => {
    const { body } = await service.get("/api/v1/queues/user_events")
    return (body as { readonly waiting: number }).waiting === 1
  }, "the event")
  await service.stop()
  expect([
    await publish.exited,
    await publish.stdout.text(),
    withoutKey(await publish.stderr.text()),
  ]).toEqual([
    4,
    "",
    "line 3: The service is stopping.\n" +
      "event-broker: The service is stopping\n" +
      "  1 stored, 0 failed; from line 3 on, no line is stored\n" +
      "  to continue, publish standard input again from line 3 on, with --idempotency-key KEY --first-line 3\n",
  ])
})

test("a publish of lines that waits for a full queue when the service stops goes on with the first line that waited", async () => {
  await using folder = new ServiceFolder()
  const room = 150
  folder.write("day.ndjson", LINES.split("\n", 1_000).join("\n"))
  const service = await folder.start({ QUEUE_MAX_LENGTH: String(room) })
  const publish = folder.spawn(["publish", "day.ndjson", "--url", service.url])
  await waitUntil(async () => {
    const { body } = await service.get("/api/v1/queues/user_events")
    return (body as { readonly waiting: number }).waiting === room
  }, "the queue to be full")
  await service.stop()
  expect(await publish.exited()).toBe(4)
  expect(withoutKey(publish.stderr)).toEndWith(
    "event-broker: The service is stopping\n" +
      `  ${room} stored, 0 failed; from line ${room + 1} on, no line is stored\n` +
      `  to continue: tail -n +${room + 1} day.ndjson | event-broker publish --ndjson --idempotency-key KEY --first-line 151 -\n`,
  )
})

test("a publish of lines whose answer ends too early is not taken for a success", async () => {
  await using folder = new ServiceFolder()
  using service = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response('{"id":"a","status":"pending"}\n', {
        headers: { "Content-Type": "application/x-ndjson" },
      }),
  })
  const publish = [BINARY, "publish", "--ndjson", "-", "--url", service.url.origin]
  expect(await runCommand(publish, folder.path, {}, "{}\n{}\n")).toEqual({
    code: 4,
    stdout: "",
    stderr:
      "event-broker: the answer ended before the last line was answered\n" +
      "  1 stored, 0 failed; from line 2 on, no line is known to be stored, although some may be\n" +
      "  to continue, publish standard input again from line 2 on\n",
  })
})

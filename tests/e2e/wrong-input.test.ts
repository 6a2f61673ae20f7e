import { expect, test } from "bun:test"
import { runCommand } from "../support/run-command.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"

const QUESTIONS = [
  "queues",
  "tail",
  "health",
  "schemas list",
  "publish --type user --name a",
  "publish batch.json",
]

test("a URL with a wrong path is named, with the option to correct", async () => {
  await using folder = new ServiceFolder()
  const { url } = await folder.start()
  folder.write("batch.json", '[{"type":"user","name":"a","payload":{}}]')
  for (const question of QUESTIONS) {
    const args = [BINARY, ...question.split(" "), "--url", `${url}/nope/`]
    const { code, stderr } = await runCommand(args, folder.path)
    expect([code, stderr]).toEqual([
      1,
      `event-broker: an Event Broker answers at ${url}, but has nothing under the path /nope: correct --url\n`,
    ])
  }
  const variable = await runCommand([BINARY, "queues"], folder.path, { EVENT_BROKER_URL: `${url}/api/v1` })
  expect(variable.stderr).toEndWith("under the path /api/v1: correct EVENT_BROKER_URL\n")
})

test("below the path of a proxy, what does not exist is named as without one", async () => {
  await using folder = new ServiceFolder()
  const { url } = await folder.start()
  using proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url: asked, method }) =>
      fetch(url + new URL(asked).pathname.replace("/broker", ""), { method }),
  })
  const asked = ["queues", "purge", "nope", "--yes", "--url", `${proxy.url.origin}/broker`]
  const { code, stderr } = await runCommand([BINARY, ...asked], folder.path)
  expect([code, stderr]).toEqual([1, expect.stringContaining('There is no queue "nope"')])
})

test.each([
  ["a page", 200, { "Content-Type": "text/html" }, "<p>hello</p>", "200 with an HTML page"],
  ["a proxy's error", 502, { "Content-Type": "text/html" }, "<p>Bad Gateway</p>", "502 with an HTML page"],
  ["a text", 404, { "Content-Type": "text/plain" }, "not here", '404 with the text "not here"'],
  [
    "a redirect",
    301,
    { Location: "https://broker.example/" },
    "",
    "301, a redirect to https://broker.example/",
  ],
  [
    "another API",
    404,
    { "Content-Type": "application/json" },
    '{"error":"x"}',
    '404 with the text "{\\"error\\":\\"x\\"}"',
  ],
] as const)("%s is not taken for an Event Broker", async (_, status, headers, body, what) => {
  await using folder = new ServiceFolder()
  folder.write("batch.json", '[{"type":"user","name":"a","payload":{}}]')
  using other = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(body, { status, headers }),
  })
  const url = other.url.origin
  for (const question of QUESTIONS) {
    const { code, stderr } = await runCommand([BINARY, ...question.split(" "), "--url", url], folder.path)
    expect([code, stderr]).toEqual([
      1,
      `event-broker: ${url} did not answer as an Event Broker does: ${what}. Start the service behind it, or correct --url\n`,
    ])
  }
})

test("an answer that should be JSON and is none is not taken for an Event Broker's", async () => {
  await using folder = new ServiceFolder()
  folder.write("batch.json", "{}")
  using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") })
  for (const question of [
    "health",
    "schemas list",
    "publish --type user --name a",
    "publish --ndjson batch.json",
  ]) {
    const args = [BINARY, ...question.split(" "), "--url", other.url.origin]
    const { code, stderr } = await runCommand(args, folder.path)
    expect([code, stderr]).toEqual([1, expect.stringContaining('200 with the text "hello"')])
  }
})

const MISTAKES: readonly (readonly [command: string, message: string])[] = [
  ["publish --type user --type voice --name a", "--type takes one value: give it once"],
  ["keys new --name a --name b --scope read", "--name takes one value: give it once"],
  ["dead-letters list q --limit 1 --limit 2", "--limit takes one value: give it once"],
  ["queues --url http://a --url http://b", "--url takes one value: give it once"],
  [
    "keys new --scope read publish --name a",
    "to give several values, repeat the option: --scope … --scope …",
  ],
  ["health --live --ready", "option '--live' cannot be used with option '--ready'"],
  ["publish folder", "folder is a folder: name a file"],
  ["publish --json", "give --type and --name, or a file, or - for standard input"],
  ["publish --type user", "--name is missing, such as --type user --name call.ended"],
  ["publish --name login", "--type is missing: one of voice, user, system, notification, custom"],
  [
    "publish voice.call.ended",
    "there is no file voice.call.ended; to publish an event: event-broker publish --type voice --name call.ended",
  ],
  ["publish events.voice.ended", "event-broker publish --type voice --name ended"],
  ["publish call.ended", "event-broker publish --type TYPE --name call.ended"],
  ["publish voice", "event-broker publish --type voice --name NAME"],
  ["publish voice call.ended", "to publish an event: event-broker publish --type voice --name call.ended"],
  ["queues purge user_events --dry-run=false", "--dry-run takes no value: give it, or leave it out"],
  ["keys new --name a --scope publish,", "--scope takes publish, read or admin, not an empty text"],
  [
    "--url http://127.0.0.1:1 queues list",
    "options stand behind the command: event-broker queues list --url <url>",
  ],
  [
    "queues list --url http://127.0.0.1:99999",
    "take a URL with a valid host and port, not http://127.0.0.1:99999",
  ],
  [
    "queues show user_events",
    "event-broker queues has no command show; did you mean event-broker queues list?",
  ],
  ["dead-letters retry user_events", "did you mean event-broker dead-letters redrive?"],
  ["keys create", "did you mean event-broker keys new?"],
  ["status", "there is no command status; did you mean event-broker health?"],
  ["version", "there is no command version; did you mean event-broker --version?"],
  ["start", "there is no command start; did you mean event-broker serve?"],
  ["publish --ndjson folder", "folder is a folder: name a file"],
  [
    "publish event.json --payload {} --id a",
    "a file has whole events: leave out --payload, --id, or the file",
  ],
  ["publish --type user --name a --ndjson", "--ndjson needs a file, or - for standard input"],
  ["init empty.json", "empty.json is not a folder: name a new folder"],
  ["init empty.json/app", "can't be written: "],
  ["init ''", "the name of the folder is empty: name a folder, or leave it out"],
  ["publish ''", "the name of the file is empty: name a file"],
  ["publish --ndjson ''", "the name of the file is empty: name a file"],
  ["store backup ''", "the name of the target is empty: name a file or a folder"],
  ["keys new --name a --scope read --append ''", "--append takes the name of a file"],
  ["schemas check '' event.json", "the name of the file is empty: name a file"],
  ["queues --url ''", "--url is empty: give the URL of the service"],
  ["publish gone.json", "gone.json does not exist"],
  [
    'publish {"type":"user"}',
    "the argument is JSON, not a file: pipe it to publish -, or use --type, --name",
  ],
  ['schemas validate user/a {"a":1}', "the argument is JSON, not a file: pipe it, and give - as the file"],
  ["publish /proc/self/mem", "/proc/self/mem can't be read (EIO)"],
  ["schemas check event.json /proc/self/mem", "/proc/self/mem can't be read (EIO)"],
  ["publish broken.json", "broken.json:2:10 is not JSON: expected a JSON value"],
  ["publish text.json", "text.json:1:1 is not JSON: expected a JSON value"],
  ["publish array.json", "array.json:1:25 is not JSON: expected a comma or ]"],
  ["schemas check event.json broken.json", "broken.json:2:10 is not JSON: "],
  ["schemas check event.json number.json", "number.json: A number is too large to be stored"],
  ["schemas check unusable.json event.json", "unusable.json can't be used: "],
  ["schemas check event.json unusable.json", "unusable.json can't be used: "],
]

test.each(MISTAKES)(
  "event-broker %s says what is wrong in one sentence, and exits 2",
  async (command, message) => {
    await using folder = new ServiceFolder()
    folder.write("folder/file", "")
    folder.write("event.json", "{}")
    folder.write("empty.json", "{}")
    folder.write("broken.json", '{\n "type": user\n}')
    folder.write("text.json", "hello")
    folder.write("array.json", '[{"type":"user"},{"a":1}}')
    folder.write("number.json", '{"minimum":1e999}')
    folder.write("unusable.json", '{"pattern":"(?=a)"}')
    const words = command.split(" ").map((word) => (word === "''" ? "" : word))
    const { code, stdout, stderr } = await runCommand([BINARY, ...words], folder.path)
    expect([code, stdout]).toEqual([2, ""])
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/^ +at /m)
  },
)

test("standard input that can't be used, and an error in an upload, are named, and exit 2", async () => {
  await using folder = new ServiceFolder()
  const { url } = await folder.start()
  for (const [line, message] of [
    ["publish - < handlers", "standard input is a folder: name a file"],
    ["publish --ndjson /proc/self/mem", "/proc/self/mem can't be read (EIO)"],
    ["schemas validate user/a - < handlers", "standard input is a folder: name a file"],
    ["publish - <<< '{'", "standard input:2:1 is not JSON: expected a name in double quotes"],
  ] as const) {
    const inShell = ["bash", "-c", `${BINARY} ${line}`]
    const { code, stderr } = await runCommand(inShell, folder.path, { EVENT_BROKER_URL: url })
    expect([code, stderr]).toEqual([2, `event-broker: ${message}\n`])
  }
})

test("a refused event is named by its file, and an empty EVENT_BROKER_URL counts as not set", async () => {
  await using folder = new ServiceFolder()
  const { url } = await folder.start()
  folder.write("event.json", '{"type":"user","name":"a b","payload":{}}')
  folder.write("batch.json", `[${Array(1_001).fill('{"type":"user","name":"a","payload":{}}').join()}]`)
  const environment = { EVENT_BROKER_URL: "", PORT: new URL(url).port }
  const publish = (file: string) => runCommand([BINARY, "publish", file], folder.path, environment)
  const event = await publish("event.json")
  expect([event.code, event.stderr]).toEqual([
    1,
    expect.stringMatching(/^event-broker: event\.json: The input is invalid\n {2}\/name must be words .*\n$/),
  ])
  const batch = await publish("batch.json")
  expect([batch.code, batch.stderr]).toEqual([
    2,
    "event-broker: batch.json has 1001 events, and a batch has at most 1000: write an event per line, and give --ndjson\n",
  ])
})

test("input without an event is refused in the same words, however it is given", async () => {
  await using folder = new ServiceFolder()
  const { url } = await folder.start()
  folder.write("nothing.json", "")
  folder.write("nothing.ndjson", "")
  folder.write("blank.ndjson", "\n\r\n\n")
  folder.write("array.json", " [ ]\n")
  folder.write("batch.json", '{"events":[]}')
  for (const args of [
    ["nothing.json"],
    ["nothing.ndjson"],
    ["blank.ndjson"],
    ["--ndjson", "nothing.json"],
    ["array.json"],
    ["batch.json"],
    ["--ndjson", "--json", "-"],
    ["-"],
  ]) {
    const { code, stdout, stderr } = await runCommand([BINARY, "publish", ...args, "--url", url], folder.path)
    expect([code, stdout, stderr]).toEqual([
      2,
      "",
      "event-broker: the input is empty: nothing was published\n",
    ])
  }
})

test("dead letters that hold no event are shown as what they are", async () => {
  await using folder = new ServiceFolder()
  const failure = { reason: "malformed", attempts: 0, last_failed_at: null, error: null }
  const letters = [
    { body_base64: "e33/", body_bytes: 3, ...failure },
    { body: "hello, this is not JSON at all", ...failure },
    { body: "", ...failure },
    { event: [1], ...failure },
  ]
  using service = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => Response.json({ count: letters.length, dead_letters: letters, cursor: null }),
  })
  const list = [BINARY, "dead-letters", "list", "calls", "--url", service.url.origin]
  const { stdout } = await runCommand(list, folder.path)
  expect(stdout).toContain("binary, 3 bytes: e33/ (Base64) ")
  expect(stdout).toContain("not JSON: hello, this is not JSON …")
  expect(stdout).toContain("  empty  ")
  expect(stdout).toContain("  no event  ")
  const json = await runCommand([...list, "--json"], folder.path)
  expect(JSON.parse(json.stdout)).toEqual(letters)
})

test("a reader that ends early, or a full disk, is no crash, and changes no exit code", async () => {
  await using folder = new ServiceFolder()
  const { url } = await folder.start()
  folder.write("events.ndjson", '{"type":"user","name":"a","payload":{}}\n'.repeat(500))
  const inShell = (line: string) =>
    runCommand(["bash", "-o", "pipefail", "-c", line.replace("event-broker", BINARY)], folder.path, {
      EVENT_BROKER_URL: url,
    })
  for (const line of [
    "event-broker queues | true",
    "event-broker openapi | head -c 10",
    "event-broker queues --watch --json | head -1",
    "event-broker publish events.ndjson --json | head -1",
  ]) {
    const { code, stderr } = await inShell(line)
    expect([line, code, stderr]).toEqual([line, 0, ""])
  }
  const full = await inShell("event-broker publish --type user --name a --payload {} > /dev/full")
  expect(full).toMatchObject({ code: 0, stderr: "event-broker: standard output can't be written: ENOSPC\n" })
  const lost = await inShell("event-broker queues --json > /dev/full")
  expect(lost).toMatchObject({ code: 1, stderr: "event-broker: standard output can't be written: ENOSPC\n" })
  const { stdout } = await inShell("event-broker queues --json")
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({ queue_name: "user_events", message_count: 501 }),
  )
})

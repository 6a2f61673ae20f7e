import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { isReady } from "../support/counting-service.ts"
import { freePorts } from "../support/free-ports.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { runCommand } from "../support/run-command.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 60_000
const EXAMPLES = join(import.meta.dir, "..", "..", "examples")

/** Debian's, which has Debian's pika. */
const PYTHON = "/usr/bin/python3"
const PIKA = "/usr/lib/python3/dist-packages/pika"

const ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

const SCRIPT = [PYTHON, join(EXAMPLES, "python", "calls.py")]

/** The one sentence of a run that fails. */
async function failureOf(run: ReturnType<typeof runCommand>): Promise<string> {
  const { code, stderr } = await run
  expect(code).toBe(1)
  expect(stderr.trimEnd().split("\n")).toHaveLength(1)
  return stderr
}

test(
  "the Python example says in one sentence what can't be reached, or refuses it",
  async () => {
    await using folder = new ServiceFolder()
    const [closed] = await freePorts(1)
    const made = folder.spawn(["keys", "new", "--name", "a", "--scope", "publish,read", "--append", "keys"])
    await made.exited()
    const { url } = await folder.start({ API_KEYS_FILE: "keys" })
    using proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("<p>Bad Gateway</p>", { status: 502 }),
    })
    const key = { EVENT_BROKER_URL: url, EVENT_BROKER_KEY: made.stdout.trim() }
    const nowhere = `http://127.0.0.1:${closed}`
    for (const [environment, sentence] of [
      [
        { EVENT_BROKER_URL: nowhere },
        `${nowhere} can't be used: [Errno 111] Connection refused; start the service`,
      ],
      [{ EVENT_BROKER_URL: "localhost:8000" }, "check EVENT_BROKER_URL"],
      [{ EVENT_BROKER_URL: "nonsense" }, "nonsense is not the URL of an Event Broker: "],
      [
        { EVENT_BROKER_URL: proxy.url.origin },
        `${proxy.url.origin} answered 502: is it an Event Broker? Check EVENT_BROKER_URL.`,
      ],
      [{ ...key, EVENT_BROKER_KEY: "eb_wrong" }, "The key is unknown. Check EVENT_BROKER_KEY.\n"],
      [
        { ...key, AMQP_URL: `amqp://guest:s3cret@127.0.0.1:${closed}` },
        "RabbitMQ can't be reached (AMQPConnectionError)",
      ],
      [{ ...key, AMQP_URL: "nonsense" }, "start it, or check AMQP_URL"],
    ] as const) {
      const sentenceOf = await failureOf(runCommand(SCRIPT, folder.path, environment))
      expect(sentenceOf).toContain(sentence)
      expect(sentenceOf).not.toContain("s3cret")
    }
  },
  TIMEOUT_MS,
)

test(
  "the Python example for HTTP publishes an event on the embedded engine, and says why one is refused",
  async () => {
    await using folder = new ServiceFolder()
    const { url } = await folder.start({ ALLOWED_HOSTS: "*" })
    const script = [PYTHON, join(EXAMPLES, "python", "publish.py")]
    const { code, stdout } = await runCommand([...script, "hello"], folder.path, { EVENT_BROKER_URL: url })
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^stored: ${ID} on events\\.voice\\.speech_recognized\\n$`))
    const nowhere = { EVENT_BROKER_URL: `${url}/nowhere` }
    expect(await failureOf(runCommand(script, folder.path, nowhere))).toContain(
      "There is nothing at /nowhere/api/v1/events. /docs and /openapi.json list all paths. " +
        "Check the path of EVENT_BROKER_URL.",
    )
    await folder.spawn(["keys", "new", "--name", "a", "--scope", "publish", "--append", "keys"]).exited()
    const guarded = await folder.start({ API_KEYS_FILE: "keys", DATA_DIR: "guarded" })
    expect(await failureOf(runCommand(script, folder.path, { EVENT_BROKER_URL: guarded.url }))).toContain(
      "Set EVENT_BROKER_KEY to a key of the service.",
    )
    const [closed] = await freePorts(1)
    const unreachable = { EVENT_BROKER_URL: `http://127.0.0.1:${closed}` }
    expect(await failureOf(runCommand(script, folder.path, unreachable))).toContain("Connection refused")
  },
  TIMEOUT_MS,
)

/** Passes requests on to a service, and ends the connection of the first one without its answer. */
async function losingFirstAnswer(url: string) {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    bodies.push(body)
    const headers = { "Content-Type": "application/json" }
    const answer = await fetch(url + request.url, { method: "POST", headers, body })
    if (bodies.length === 1) request.socket.destroy()
    else response.writeHead(answer.status).end(await answer.text())
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, "127.0.0.1", listening.resolve)
  await listening.promise
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  return { url: `http://127.0.0.1:${port}`, bodies, [Symbol.dispose]: () => void server.close() }
}

test(
  "the Python example for HTTP repeats an event with its id if the connection is lost before the answer",
  async () => {
    await using folder = new ServiceFolder()
    const { url } = await folder.start()
    using proxy = await losingFirstAnswer(url)
    const script = [PYTHON, join(EXAMPLES, "python", "publish.py"), "hello"]
    const { code, stdout, stderr } = await runCommand(script, folder.path, { EVENT_BROKER_URL: proxy.url })
    expect([stderr, code]).toEqual(["", 0])
    const [first, second, ...others] = proxy.bodies.map((body): { readonly id: string } => JSON.parse(body))
    expect(second).toEqual(first)
    expect(others).toEqual([])
    expect(stdout).toStartWith(`stored: ${first?.id} on `)
  },
  TIMEOUT_MS,
)

onEveryBroker((node) => {
  test(
    "the Python example publishes over HTTP and AMQP, and reads that its events are handled or dead letters",
    async () => {
      if (!existsSync(PIKA))
        throw new Error(`${PIKA} is missing: apt-get install python3-pika, as npm test does`)
      await using host = await VirtualHost.create(node())
      await using folder = new ServiceFolder()
      const service = await folder.start({
        RABBITMQ_HOST: "127.0.0.1",
        RABBITMQ_PORT: String(node().port),
        RABBITMQ_VHOST: host.name,
        HANDLERS_DIR: join(EXAMPLES, "handlers"),
      })
      await waitUntil(() => isReady(service), "the service to be ready")
      const run = (said: string, environment: Readonly<Record<string, string>> = {}) =>
        runCommand([...SCRIPT, said], folder.path, {
          EVENT_BROKER_URL: service.url,
          AMQP_URL: `amqp://guest:guest@127.0.0.1:${node().port}/${host.name}`,
          ...environment,
        })
      const { code, stdout, stderr } = await run("an agent, s'il vous plaît")
      expect([stderr, code]).toEqual(["", 0])
      const ids = [...stdout.matchAll(new RegExp(`^published .*: (${ID})$`, "gm"))].map(([, id = ""]) => id)
      const [overHttp = "", overAmqp = "", cloudEvent = ""] = ids
      const handled = [overHttp, overAmqp].map((id) => `handled: ${id}, the caller asks for a person`)
      const lines = stdout.trim().split("\n")
      expect(lines.slice(0, 3)).toEqual([
        `published over HTTP: ${overHttp}`,
        `published over AMQP: ${overAmqp}`,
        `published as a CloudEvent: ${cloudEvent}`,
      ])
      expect(lines[3]).toBe("waiting up to 10 s for the alerts")
      expect(lines.slice(4, 6).toSorted()).toEqual(handled.toSorted())
      expect(lines.slice(6)).toEqual([`dead letter: ${cloudEvent}, no-handler, from /calls`])
      const heard = service.log.filter(({ msg }) => msg === "heard: an agent, s'il vous plaît")
      expect(new Set(heard.map(({ event_id }) => event_id))).toEqual(new Set([overHttp, overAmqp]))

      const other = await run("good morning")
      expect([other.stderr, other.code]).toEqual(["", 0])
      expect(other.stdout.match(/^no alert: .*, because the caller does not ask for a human/gm)).toHaveLength(
        2,
      )
      expect(other.stdout).toContain("dead letter: ")
      expect(await failureOf(run("a human", { DEFAULT_EXCHANGE: "amq.topic" }))).toBe(
        "no queue takes the event from the exchange amq.topic; check DEFAULT_EXCHANGE\n",
      )
      expect(await failureOf(run("a human", { DEFAULT_EXCHANGE: "nowhere" }))).toStartWith(
        "RabbitMQ refuses the event: NOT_FOUND - no exchange 'nowhere'",
      )
      const wrong = `amqp://guest:s3cret@127.0.0.1:${node().port}/${host.name}`
      expect(await failureOf(run("a human", { AMQP_URL: wrong }))).toMatch(
        /^RabbitMQ can't be reached \(\w*Authentication\w*\); start it, or check AMQP_URL\n$/,
      )
    },
    TIMEOUT_MS,
  )
})

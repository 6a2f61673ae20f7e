import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { isReady } from "../support/counting-service.ts"
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
      const { code, stdout, stderr } = await runCommand(
        [PYTHON, join(EXAMPLES, "python", "calls.py"), "an agent, s'il vous plaît"],
        folder.path,
        {
          EVENT_BROKER_URL: service.url,
          AMQP_URL: `amqp://guest:guest@127.0.0.1:${node().port}/${host.name}`,
        },
      )
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
      expect(lines.slice(3, 5).toSorted()).toEqual(handled.toSorted())
      expect(lines.slice(5)).toEqual([`dead letter: ${cloudEvent}, no-handler, from /calls`])
      const heard = service.log.filter(({ msg }) => msg === "heard: an agent, s'il vous plaît")
      expect(new Set(heard.map(({ event_id }) => event_id))).toEqual(new Set([overHttp, overAmqp]))
    },
    TIMEOUT_MS,
  )
})

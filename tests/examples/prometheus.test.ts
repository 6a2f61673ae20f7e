import { expect, test } from "bun:test"
import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { newKey } from "../../src/commands/new-key.ts"
import { freePorts } from "../support/free-ports.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Of Debian's package, which `npm test` installs. */
const PROMETHEUS = "/usr/bin/prometheus"

const EXAMPLES = join(import.meta.dir, "../../examples")

interface Answer {
  readonly data: {
    readonly activeTargets?: readonly { readonly health: string }[]
    readonly groups?: readonly { readonly rules: readonly { readonly health: string }[] }[]
  }
}

test("Prometheus scrapes a service with keys, and evaluates the alert rules, as its example says", async () => {
  await using folder = new ServiceFolder()
  using own = temporaryFolder()
  const { key, line } = newKey({ name: "prometheus", scope: ["read"] })
  folder.write("keys", `${line}\n`)
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  const example = await Bun.file(join(EXAMPLES, "prometheus.yaml")).text()
  const { host } = new URL(service.url)
  expect(example).toContain("127.0.0.1:8000")
  const file = join(own.path, "prometheus.yaml")
  await Bun.write(
    file,
    example
      .replace("127.0.0.1:8000", host)
      .replace("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s"),
  )
  await Bun.write(join(own.path, "event-broker-key"), key)
  copyFileSync(join(EXAMPLES, "alerts.yaml"), join(own.path, "alerts.yaml"))
  const [port = 0] = await freePorts(1)
  const log = Bun.file(join(own.path, "log"))
  const prometheus = Bun.spawn(
    [
      PROMETHEUS,
      `--config.file=${file}`,
      `--storage.tsdb.path=${own.path}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdin: "ignore", stdout: log, stderr: log },
  )
  const ask = async (path: string): Promise<Answer["data"]> => {
    if (prometheus.exitCode !== null) throw new Error(`Prometheus ended:\n${await log.text()}`)
    try {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
      return response.ok ? ((await response.json()) as Answer).data : {}
    } catch {
      // It does not listen yet.
      return {}
    }
  }
  try {
    const scraped = async () =>
      (await ask("targets")).activeTargets?.some(({ health }) => health === "up") ?? false
    await waitUntil(scraped, "Prometheus to have scraped the service")
    const evaluated = async () => {
      const rules = (await ask("rules")).groups?.flatMap((group) => group.rules) ?? []
      return rules.length > 0 && rules.every(({ health }) => health === "ok")
    }
    await waitUntil(evaluated, "Prometheus to have evaluated the alert rules", 90_000, 100)
  } finally {
    prometheus.kill()
    await prometheus.exited
  }
}, 120_000)

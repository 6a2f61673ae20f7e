import { expect, test } from "bun:test"
import { dirname, join } from "node:path"
import { newKey } from "../../src/commands/new-key.ts"
import { runCommand } from "../support/run-command.ts"
import { ServiceFolder } from "../support/running-service.ts"

/** Of Debian's package prometheus, which `npm test` installs. */
const PROMTOOL = "/usr/bin/promtool"

const RULES = join(import.meta.dir, "../../examples/alerts.yaml")
const CASES = join(import.meta.dir, "alert-cases.yaml")

/** Metrics that Prometheus itself adds for every scrape. */
const OF_PROMETHEUS = ["up"]

interface Rule {
  readonly alert: string
  readonly expr: string
}

interface Case {
  readonly alert_rule_test: readonly {
    readonly alertname: string
    readonly exp_alerts?: readonly unknown[]
  }[]
}

async function yaml<Content>(file: string): Promise<Content> {
  return Bun.YAML.parse(await Bun.file(file).text()) as Content
}

const rulesOf = async (): Promise<readonly Rule[]> => {
  const { groups } = await yaml<{ readonly groups: readonly { readonly rules: readonly Rule[] }[] }>(RULES)
  return groups.flatMap(({ rules }) => rules)
}

/** The names of the metrics that a service has, whether they have samples yet or not. */
async function metricsOf(folder: ServiceFolder, environment: Readonly<Record<string, string>>) {
  const { key, line } = newKey({ name: "prometheus", scope: ["read"] })
  folder.write("keys", `${line}\n`)
  const service = await folder.start({ API_KEYS_FILE: "keys", ...environment })
  const response = await fetch(`${service.url}/metrics`, { headers: { Authorization: `Bearer ${key}` } })
  expect(response.status).toBe(200)
  return [...(await response.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name)
}

test("Prometheus takes the alert rules, and each is on for its fault and off for a service that is well", async () => {
  const checked = await runCommand([PROMTOOL, "check", "rules", RULES], dirname(RULES))
  expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining("SUCCESS") })
  const tested = await runCommand([PROMTOOL, "test", "rules", CASES], dirname(CASES))
  expect(tested).toMatchObject({ code: 0, stdout: expect.stringContaining("SUCCESS") })
  const alerts = (await rulesOf()).map(({ alert }) => alert)
  const { tests } = await yaml<{ readonly tests: readonly Case[] }>(CASES)
  const named = (isOn: boolean) =>
    tests.flatMap(({ alert_rule_test: each }) =>
      each.filter(({ exp_alerts }) => (exp_alerts !== undefined) === isOn).map(({ alertname }) => alertname),
    )
  expect(named(true)).toEqual(alerts)
  expect(named(false)).toEqual(alerts)
})

test("each metric of the alert rules is one that the service has", async () => {
  await using folder = new ServiceFolder()
  const embedded = await metricsOf(folder, {})
  const onRabbitMq = await metricsOf(folder, { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: "1" })
  const known = new Set([...OF_PROMETHEUS, ...embedded, ...onRabbitMq])
  for (const { alert, expr } of await rulesOf()) {
    const used = [...expr.matchAll(/\b(?:event_broker_\w+|process_\w+|up\b)/g)].map(([name]) => name)
    expect([alert, used.length > 0]).toEqual([alert, true])
    const missing = used.filter((name) => !known.has(name) && !known.has(name.replace(/_count$/, "")))
    expect([alert, missing]).toEqual([alert, []])
  }
})

import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { type Config, parseConfig } from "../../src/config.ts"
import { HttpService } from "../support/http-service.ts"

type Node = Readonly<Record<string, unknown>>

const textOf = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")

/** The documents of a YAML file. */
function documentsOf(file: string): readonly Node[] {
  const parsed: unknown = Bun.YAML.parse(textOf(file))
  return (Array.isArray(parsed) ? parsed : [parsed]) as readonly Node[]
}

/** What is at a path of keys and places; a path that is not there fails the test. */
function at<Value>(node: unknown, ...path: readonly (string | number)[]): Value {
  let found = node
  for (const step of path) {
    expect(found).toBeObject()
    found = (found as Node)[step]
  }
  expect(found).toBeDefined()
  return found as Value
}

/** The settings that an example gives, as the service takes them; files of secrets are not there to be read. */
function configOf(environment: Node): Config {
  const strings = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, String(value)]),
  )
  for (const name of Object.keys(strings)) expect(textOf("docs/configuration.md")).toContain(name)
  const { RABBITMQ_PASSWORD_FILE, ...rest } = strings
  expect(RABBITMQ_PASSWORD_FILE).toStartWith("/")
  return parseConfig(rest)
}

const PORT = parseConfig({}).PORT

test("the image is built with the Bun that the project names", () => {
  const { packageManager } = JSON.parse(textOf("package.json")) as { readonly packageManager: string }
  expect(textOf("Dockerfile")).toContain(`FROM docker.io/oven/${packageManager.replace("@", ":")} AS build`)
})

describe("examples/compose.yaml", () => {
  const [file] = documentsOf("examples/compose.yaml")
  const service = at<Node>(file, "services", "event-broker")

  test("gives the service settings that it takes, on the port that it listens on", () => {
    const config = configOf(at(service, "environment"))
    expect(config.ENGINE).toBe("rabbitmq")
    expect(at<Node>(file, "services")).toHaveProperty(config.RABBITMQ_HOST[0]?.host ?? "")
    expect(service["ports"]).toEqual([`${PORT}:${PORT}`])
  })

  test("lets it finish what it has, and mounts every secret that it names", () => {
    const { SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT } = configOf(at(service, "environment"))
    const graceMs = Number.parseInt(at(service, "stop_grace_period"), 10) * 1_000
    expect(graceMs).toBeGreaterThanOrEqual(SHUTDOWN_DELAY + SHUTDOWN_TIMEOUT + 2_000)
    for (const name of at<string[]>(service, "secrets"))
      expect(at<Node>(file, "secrets")).toHaveProperty(name)
    expect(service["read_only"]).toBe(true)
  })
})

describe("examples/kubernetes.yaml", () => {
  const documents = documentsOf("examples/kubernetes.yaml")
  const ofKind = (kind: string): Node =>
    at(
      documents.filter((each) => each["kind"] === kind),
      0,
    )
  const pod = at<Node>(ofKind("Deployment"), "spec", "template", "spec")
  const container = at<Node>(pod, "containers", 0)
  const config = configOf(at(ofKind("ConfigMap"), "data"))

  test("has all that the deployment takes, by the same names", () => {
    const kinds = ["ConfigMap", "Secret", "Deployment", "Service", "PodDisruptionBudget"]
    expect(documents.map((each) => at<string>(each, "kind"))).toEqual(kinds)
    const labels = at<Node>(ofKind("Deployment"), "spec", "template", "metadata", "labels")
    for (const selector of [
      at<Node>(ofKind("Deployment"), "spec", "selector", "matchLabels"),
      at<Node>(ofKind("Service"), "spec", "selector"),
      at<Node>(ofKind("PodDisruptionBudget"), "spec", "selector", "matchLabels"),
    ]) {
      expect(labels).toEqual(selector)
    }
    expect(config.ENGINE).toBe("rabbitmq")
    expect(at<number>(container, "ports", 0, "containerPort")).toBe(PORT)
    const secrets = Object.keys(at<Node>(ofKind("Secret"), "stringData"))
    expect(secrets.map((name) => `/secrets/${name}`)).toContain(config.API_KEYS_FILE)
  })

  test("probes paths that are there, and restarts it for its process alone", async () => {
    await using service = await HttpService.start()
    for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
      const path = at<string>(container, probe, "httpGet", "path")
      expect((await service.get(path)).status).toBe(200)
      expect(path).toBe(probe === "readinessProbe" ? "/health/ready" : "/health/live")
    }
  })

  test("leaves time for preStop and the shutdown, and disrupts fewer than all", () => {
    const preStopMs = at<number>(container, "lifecycle", "preStop", "sleep", "seconds") * 1_000
    const graceMs = at<number>(pod, "terminationGracePeriodSeconds") * 1_000
    expect(graceMs).toBeGreaterThanOrEqual(
      preStopMs + config.SHUTDOWN_DELAY + config.SHUTDOWN_TIMEOUT + 2_000,
    )
    const replicas = at<number>(ofKind("Deployment"), "spec", "replicas")
    expect(at<number>(ofKind("PodDisruptionBudget"), "spec", "minAvailable")).toBeLessThan(replicas)
  })

  test("runs it as the image's user, on a root that can't be written", () => {
    expect(textOf("Dockerfile")).toContain(`USER ${at<number>(pod, "securityContext", "runAsUser")}:`)
    expect(container["securityContext"]).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    })
    expect(pod["securityContext"]).toMatchObject({ runAsNonRoot: true })
  })
})

import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { type Config, describeVariables, isSecretVariable, parseConfig } from "../../src/config.ts"
import { HttpService } from "../support/http-service.ts"

type Node = Readonly<Record<string, unknown>>

const textOf = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")

/** The documents of a YAML file. */
function documentsOf(file: string): readonly Node[] {
  const parsed: unknown = Bun.YAML.parse(textOf(file))
  return (Array.isArray(parsed) ? parsed : [parsed]) as readonly Node[]
}

/** Returns the value at a path of keys and indexes; a missing path fails the test. */
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
  const known = describeVariables().flatMap(({ name }) =>
    isSecretVariable(name) ? [name, `${name}_FILE`] : [name],
  )
  expect(Object.keys(strings).filter((name) => !known.includes(name))).toEqual([])
  const { RABBITMQ_PASSWORD_FILE = null, ...rest } = strings
  if (rest["ENGINE"] !== "embedded") expect(RABBITMQ_PASSWORD_FILE).toStartWith("/")
  return parseConfig(rest)
}

const PORT = parseConfig({}).PORT

test("the image, and the example of one with handlers, are built with the Bun that the project names", () => {
  const { packageManager } = JSON.parse(textOf("package.json")) as { readonly packageManager: string }
  const from = `FROM docker.io/oven/${packageManager.replace("@", ":")} AS`
  expect(textOf("Dockerfile")).toContain(`${from} build`)
  expect(textOf("examples/image/Containerfile")).toContain(`${from} packages`)
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
    expect(service["init"]).toBe(true)
  })
})

interface Kubernetes {
  readonly documents: readonly Node[]
  readonly ofKind: (kind: string) => Node
  readonly pod: Node
  readonly container: Node
  readonly config: Config
}

/** The objects of a file whose pods are those of a workload. */
function kubernetesOf(file: string, workload: string): Kubernetes {
  const documents = documentsOf(file)
  const ofKind = (kind: string): Node =>
    at(
      documents.filter((each) => each["kind"] === kind),
      0,
    )
  const pod = at<Node>(ofKind(workload), "spec", "template", "spec")
  return {
    documents,
    ofKind,
    pod,
    container: at<Node>(pod, "containers", 0),
    config: configOf(at(ofKind("ConfigMap"), "data")),
  }
}

const kindsOf = ({ documents }: Kubernetes) => documents.map((each) => at<string>(each, "kind"))

describe.each([
  ["examples/kubernetes.yaml", "Deployment", "rabbitmq"],
  ["examples/kubernetes-embedded.yaml", "StatefulSet", "embedded"],
])("%s", (file, workload, engine) => {
  const { documents, ofKind, pod, container, config } = kubernetesOf(file, workload)

  test("has all that its pods take, by the same names", () => {
    const labels = at<Node>(ofKind(workload), "spec", "template", "metadata", "labels")
    expect(labels).toEqual(at<Node>(ofKind(workload), "spec", "selector", "matchLabels"))
    expect(labels).toEqual(at<Node>(ofKind("Service"), "spec", "selector"))
    expect(String(config.ENGINE)).toBe(engine)
    expect(at<number>(container, "ports", 0, "containerPort")).toBe(PORT)
    const secrets = Object.keys(at<Node>(ofKind("Secret"), "stringData"))
    expect(secrets.map((name) => `/secrets/${name}`)).toContain(config.API_KEYS_FILE)
    for (const { metadata } of documents as readonly { readonly metadata: Node }[])
      expect(metadata["name"]).toBe("event-broker")
  })

  test("probes paths that are there, and restarts it for its process alone", async () => {
    await using service = await HttpService.start()
    for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
      const path = at<string>(container, probe, "httpGet", "path")
      expect((await service.get(path)).status).toBe(200)
      expect(path).toBe(probe === "readinessProbe" ? "/health/ready" : "/health/live")
    }
  })

  test("leaves time for preStop and the shutdown", () => {
    const { lifecycle } = container as { readonly lifecycle?: Node }
    const preStopMs =
      lifecycle === undefined ? 0 : at<number>(lifecycle, "preStop", "sleep", "seconds") * 1_000
    const graceMs = at<number>(pod, "terminationGracePeriodSeconds") * 1_000
    expect(graceMs).toBeGreaterThanOrEqual(
      preStopMs + config.SHUTDOWN_DELAY + config.SHUTDOWN_TIMEOUT + 2_000,
    )
  })

  test("runs it as the image's user, on a root that can't be written, below a process that reaps", () => {
    expect(textOf("Dockerfile")).toContain(`USER ${at<number>(pod, "securityContext", "runAsUser")}:`)
    expect(container["securityContext"]).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    })
    expect(pod).toMatchObject({ shareProcessNamespace: true, securityContext: { runAsNonRoot: true } })
  })
})

test("on RabbitMQ, Kubernetes disrupts fewer pods than all", () => {
  const kubernetes = kubernetesOf("examples/kubernetes.yaml", "Deployment")
  expect(kindsOf(kubernetes)).toEqual(["ConfigMap", "Secret", "Deployment", "Service", "PodDisruptionBudget"])
  const replicas = at<number>(kubernetes.ofKind("Deployment"), "spec", "replicas")
  const budget = kubernetes.ofKind("PodDisruptionBudget")
  expect(at<number>(budget, "spec", "minAvailable")).toBeLessThan(replicas)
  expect(at<Node>(budget, "spec", "selector", "matchLabels")).toEqual({ app: "event-broker" })
})

test("the embedded engine has one pod in Kubernetes, and its store on a volume that this pod alone has", () => {
  const kubernetes = kubernetesOf("examples/kubernetes-embedded.yaml", "StatefulSet")
  expect(kindsOf(kubernetes)).toEqual(["ConfigMap", "Secret", "StatefulSet", "Service"])
  const stateful = kubernetes.ofKind("StatefulSet")
  expect(at<number>(stateful, "spec", "replicas")).toBe(1)
  const mounts = at<readonly Node[]>(kubernetes.container, "volumeMounts")
  const claim = at<Node>(stateful, "spec", "volumeClaimTemplates", 0)
  expect(mounts).toContainEqual({
    name: at<string>(claim, "metadata", "name"),
    mountPath: kubernetes.config.DATA_DIR,
  })
  expect(at<readonly string[]>(claim, "spec", "accessModes")).toEqual(["ReadWriteOnce"])
})

test("the Prometheus operator scrapes the pods of both, with a key, as the job of the alert rules", () => {
  const [secret, monitor] = documentsOf("examples/kubernetes-prometheus.yaml")
  const endpoint = at<Node>(monitor, "spec", "podMetricsEndpoints", 0)
  const { name, key } = at<{ readonly name: string; readonly key: string }>(
    endpoint,
    "authorization",
    "credentials",
  )
  expect(at<string>(secret, "metadata", "name")).toBe(name)
  expect(at<Node>(secret, "stringData")).toHaveProperty(key)
  const jobLabel = at<string>(monitor, "spec", "jobLabel")
  expect(at<Node>(monitor, "spec", "selector", "matchLabels")).toEqual({ [jobLabel]: "event-broker" })
  for (const file of ["examples/kubernetes.yaml", "examples/kubernetes-embedded.yaml"]) {
    const { container } = kubernetesOf(file, file.includes("embedded") ? "StatefulSet" : "Deployment")
    expect(at<string>(container, "ports", 0, "name")).toBe(at<string>(endpoint, "port"))
  }
})

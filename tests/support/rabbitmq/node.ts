import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freePorts } from "../free-ports.ts"
import { waitUntil } from "../wait-until.ts"
import { commandOf, type RabbitMqInstallation } from "./installation.ts"

const START_TIMEOUT_MS = 60_000

/** File in Erlang's home with the secret that the nodes of a cluster share. */
const COOKIE = ".erlang.cookie"

/** A RabbitMQ node for the tests: on loopback, with its own ports, data folder and name. */
export class RabbitMqNode implements AsyncDisposable {
  readonly port: number
  readonly managementPort: number
  readonly #installation: RabbitMqInstallation
  readonly #folder: string
  readonly #epmdPort: number
  /** The other nodes of a cluster use the name server of the first node, which ends after them. */
  readonly #hasOwnNameServer: boolean
  readonly #environment: Readonly<Record<string, string>>
  #server: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null
  #log = ""

  private constructor(installation: RabbitMqInstallation, ports: readonly number[], cluster?: RabbitMqNode) {
    const [port = 0, managementPort = 0, distributionPort = 0, ownEpmdPort = 0] = ports
    // The nodes of a cluster find each other through one name server.
    const epmdPort = cluster === undefined ? ownEpmdPort : cluster.#epmdPort
    this.#epmdPort = epmdPort
    this.#hasOwnNameServer = cluster === undefined
    this.#installation = installation
    this.port = port
    this.managementPort = managementPort
    const folder = `/tmp/event-broker-rabbitmq-${process.pid}-${port}`
    this.#folder = folder
    this.#environment = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      LANG: "C.UTF-8",
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: String(epmdPort),
      RABBITMQ_NODENAME: `node${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_MNESIA_BASE: join(folder, "data"),
      RABBITMQ_LOG_BASE: join(folder, "log"),
      RABBITMQ_LOGS: "-",
      RABBITMQ_PID_FILE: join(folder, "pid"),
      RABBITMQ_CONF_ENV_FILE: join(folder, "none"),
      RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    }
  }

  /** Starts a node, in the cluster of another one if given, and waits until it accepts connections. */
  static async start(installation: RabbitMqInstallation, cluster?: RabbitMqNode): Promise<RabbitMqNode> {
    const node = new RabbitMqNode(installation, await freePorts(4), cluster)
    const folder = join(installation.root, node.#folder)
    mkdirSync(folder, { recursive: true })
    if (cluster !== undefined) {
      const cookie = join(installation.root, cluster.#folder, COOKIE)
      writeFileSync(join(folder, COOKIE), readFileSync(cookie), { mode: 0o400 })
    }
    writeFileSync(join(folder, "plugins"), "[rabbitmq_management].\n")
    writeFileSync(
      join(folder, "rabbitmq.conf"),
      [
        "management.tcp.ip = 127.0.0.1",
        `management.tcp.port = ${node.managementPort}`,
        "loopback_users = none",
        // After a chroot there is no /proc to read.
        "vm_memory_calculation_strategy = allocated",
        "vm_memory_high_watermark.absolute = 2GB",
        "",
      ].join("\n"),
    )
    await node.start()
    if (cluster !== undefined) {
      await node.control("stop_app")
      await node.control("join_cluster", cluster.name)
      await node.control("start_app")
    }
    return node
  }

  /** Its name in the cluster. */
  get name(): string {
    return this.#environment["RABBITMQ_NODENAME"] ?? ""
  }

  /** Starts it again on its data. */
  async start(): Promise<void> {
    const command = commandOf(this.#installation, "rabbitmq-server")
    const server = Bun.spawn([...command], {
      env: this.#environment,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // A group of its own, because the start script leaves the node running when only the script is killed.
      detached: true,
    })
    this.#server = server
    this.#log = ""
    void this.#readLog(server.stdout)
    void this.#readLog(server.stderr)
    await waitUntil(
      () => {
        if (server.exitCode !== null) throw new Error(`RabbitMQ ended as it started:\n${this.#log}`)
        return this.#log.includes("Server startup complete")
      },
      "RabbitMQ to start",
      START_TIMEOUT_MS,
    )
  }

  /** Ends it at once, like a power loss. */
  async kill(): Promise<void> {
    if (this.#server === null) return
    process.kill(-this.#server.pid, "SIGKILL")
    await this.#server.exited
    this.#server = null
  }

  /** Suspends all of its processes, like a hanging machine. */
  freeze(): void {
    if (this.#server !== null) process.kill(-this.#server.pid, "SIGSTOP")
  }

  thaw(): void {
    if (this.#server !== null) process.kill(-this.#server.pid, "SIGCONT")
  }

  /** Runs rabbitmqctl against it. Returns its output. */
  async control(...args: readonly string[]): Promise<string> {
    const command = [...commandOf(this.#installation, "rabbitmqctl"), "--quiet", ...args]
    const process = Bun.spawn(command, {
      env: this.#environment,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    })
    const [printed, errors, code] = await Promise.all([
      process.stdout.text(),
      process.stderr.text(),
      process.exited,
    ])
    if (code !== 0) throw new Error(`rabbitmqctl ${args.join(" ")} failed:\n${printed}${errors}`)
    return printed
  }

  /** A shell script that runs rabbitmqctl against it, wherever it is called from. */
  get controlScript(): string {
    const variables = Object.entries(this.#environment).map(([name, value]) => `${name}=${value}`)
    const command = ["env", "-i", ...variables, ...commandOf(this.#installation, "rabbitmqctl"), "--quiet"]
    return `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`
  }

  /** Asks its management API. */
  async manage(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.managementPort}/api/${path}`, {
      method,
      headers: { Authorization: `Basic ${btoa("guest:guest")}`, "Content-Type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok)
      throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`)
    const text = await response.text()
    return text === "" ? null : JSON.parse(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    // Erlang's name server outlives the node that started it, as long as it considers a node alive.
    if (this.#hasOwnNameServer) {
      await waitUntil(() => this.#hasEndedNameServer(), "Erlang's name server to end")
    }
    rmSync(join(this.#installation.root, this.#folder), { recursive: true, force: true })
  }

  #hasEndedNameServer(): boolean {
    const epmd = this.#installation.root === "/" ? ["epmd"] : ["chroot", this.#installation.root, "epmd"]
    const { stdout, stderr } = Bun.spawnSync([...epmd, "-kill"], { env: this.#environment })
    return /Killed|Cannot connect/i.test(`${stdout}${stderr}`)
  }

  async #readLog(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) this.#log += decoder.decode(chunk, { stream: true })
  }
}

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { temporaryFolder } from "./temporary-folder.ts"
import { waitUntil } from "./wait-until.ts"

const ROOT = join(import.meta.dir, "..", "..")
export const BINARY = join(ROOT, "dist", "event-broker")

/** The command that runs the service: the compiled binary, or the sources. */
export const FROM_BINARY = [BINARY]
export const FROM_SOURCE = [process.execPath, "--no-env-file", join(ROOT, "src", "entry.ts")]

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

type Environment = Readonly<Record<string, string>>

/**
 * A folder for the service, outside the repository, with its handler modules, its store and a journal that
 * handlers can append to. The service can be started in it any number of times.
 */
export class ServiceFolder implements AsyncDisposable {
  readonly #folder = temporaryFolder()
  readonly #services: RunningService[] = []
  readonly command: readonly string[]

  constructor(command: readonly string[] = FROM_BINARY) {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: run "npm run build" first`)
    this.command = command
    this.write("handlers/.keep", "")
  }

  get path(): string {
    return this.#folder.path
  }

  /** Returns a statement with which a handler module appends a line to the journal. */
  journal(line: string): string {
    return `process.getBuiltinModule("node:fs").appendFileSync(${JSON.stringify(this.#journal)}, ${line} + "\\n")`
  }

  journalLines(): readonly string[] {
    return existsSync(this.#journal) ? readFileSync(this.#journal, "utf8").split("\n").slice(0, -1) : []
  }

  write(name: string, text: string): void {
    const file = join(this.path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  remove(name: string): void {
    rmSync(join(this.path, name))
  }

  spawn(args: readonly string[] = [], environment: Environment = {}): RunningService {
    return this.spawnIn(this.path, environment, args)
  }

  /** Starts the service in another folder, such as one of this folder's. */
  spawnIn(cwd: string, environment: Environment = {}, args: readonly string[] = []): RunningService {
    const service = new RunningService([...this.command, ...args], cwd, environment)
    this.#services.push(service)
    return service
  }

  async start(environment: Environment = {}): Promise<RunningService> {
    const service = this.spawn([], environment)
    await service.listening()
    return service
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.#services) await service.kill()
    this.#folder[Symbol.dispose]()
  }

  get #journal(): string {
    return join(this.path, "journal")
  }
}

/** One process of the service. */
export class RunningService {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">
  readonly #reading: Promise<unknown>
  #stdout = ""
  #stderr = ""

  constructor(command: readonly string[], cwd: string, environment: Environment) {
    const env = { PORT: "0", HOST: "127.0.0.1", QUEUE_MAX_LENGTH: "1000000", ...environment }
    this.#process = Bun.spawn([...command], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" })
    this.#reading = Promise.all([
      read(this.#process.stdout, (text) => {
        this.#stdout += text
      }),
      read(this.#process.stderr, (text) => {
        this.#stderr += text
      }),
    ])
  }

  /** True while the process runs. */
  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  get pid(): number {
    return this.#process.pid
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  get log(): readonly LogLine[] {
    const lines = this.#stdout.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"))
    return lines.map((line) => JSON.parse(line))
  }

  get url(): string {
    return String(this.#listeningLine()?.["url"])
  }

  async listening(): Promise<void> {
    await waitUntil(() => {
      if (this.#process.exitCode !== null)
        throw new Error(`the service ended:\n${this.#stdout}${this.#stderr}`)
      return this.#listeningLine() !== undefined
    }, "the service to listen")
  }

  post(path: string, body: unknown): Promise<Response> {
    const headers = { "Content-Type": "application/json" }
    return fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) })
  }

  /** Publishes one event. Resolves with its id when it is answered 201. */
  async publish(draft: Readonly<Record<string, unknown>>): Promise<string> {
    const response = await this.post("/api/v1/events", { type: "custom", payload: {}, ...draft })
    const answer = (await response.json()) as { readonly id: string }
    if (response.status !== 201) throw new Error(`answered ${response.status}: ${JSON.stringify(answer)}`)
    return answer.id
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(this.url + path)
    return { status: response.status, body: await response.json() }
  }

  signal(signal: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGKILL"): void {
    this.#process.kill(signal)
  }

  /** Resolves with the exit code when the process has ended and its output is read. */
  async exited(): Promise<number> {
    const code = await this.#process.exited
    await this.#reading
    return code
  }

  async stop(): Promise<number> {
    this.signal("SIGTERM")
    return this.exited()
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL")
    await this.exited()
  }

  #listeningLine(): LogLine | undefined {
    return this.log.find(({ msg }) => msg === "listening")
  }
}

async function read(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) onText(decoder.decode(chunk, { stream: true }))
}

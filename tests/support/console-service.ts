import { newKey } from "../../src/commands/new-key.ts"
import { type RunningService, ServiceFolder } from "./running-service.ts"
import { waitUntil } from "./wait-until.ts"

/** Keys of the service: one for each kind of person who opens the console. */
const KEYS = {
  admin: ["publish", "read", "admin"],
  read: ["read"],
  publish: ["publish"],
  /** May not look, so the console is closed to it. */
  changer: ["publish", "admin"],
  /** Limited to the events of one type. */
  voice: ["publish", "read", "admin"],
} as const

export type KeyName = keyof typeof KEYS

const MODULE = `export default {
  queue: "voice_events",
  retry: { attempts: 1 },
  on: {
    "call.ended"(event, ctx) {
      console.log("call", event.payload.call_id)
      ctx.log.warn("asked the transcript service", { tries: 1 })
      throw new Error("the transcript service answered " + event.payload.status)
    },
    "call.started"() {},
  },
}`

const ORPHAN = `export default { queue: "reports", bind: ["events.custom.report"], on: { "*"() {} } }`

const SCHEMA = JSON.stringify({
  type: "object",
  properties: { user_id: { type: "string" }, age: { type: "integer" } },
  required: ["user_id"],
  additionalProperties: false,
})

/** A service that has something to show on every screen of the console, with a key for each scope. */
export class ConsoleService implements AsyncDisposable {
  readonly #folder = new ServiceFolder()
  readonly #keys = new Map<KeyName, string>()
  #service: RunningService | null = null

  get service(): RunningService {
    if (this.#service === null) throw new Error("the service was not started")
    return this.#service
  }

  get url(): string {
    return this.service.url
  }

  key(name: KeyName): string {
    return this.#keys.get(name) ?? ""
  }

  writeModule(text: string, file = "voice.ts"): void {
    this.#folder.write(`handlers/${file}`, text)
  }

  /** Starts it, with a dead letter, a handled event, a waiting event and an orphaned queue. */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<ConsoleService> {
    const made = new ConsoleService()
    const folder = made.#folder
    const lines = (["admin", "read", "publish", "changer", "voice"] as const).map((name) => {
      const limit = name === "voice" ? { type: ["voice" as const] } : {}
      const { key, line } = newKey({ name, scope: [...KEYS[name]], ...limit })
      made.#keys.set(name, key)
      return line
    })
    folder.write("keys", `${lines.join("\n")}\n`)
    folder.write("schemas/user/login.json", SCHEMA)
    made.writeModule(MODULE)
    folder.write("handlers/reports.ts", ORPHAN)
    // The first start declares the queue of a module that is gone at the second one.
    await (await folder.start({ ...environment, HISTORY: "off" })).stop()
    folder.remove("handlers/reports.ts")
    made.#service = await folder.start({
      API_KEYS_FILE: "keys",
      SCHEMAS_DIR: "schemas",
      CONSOLE_LABEL: "staging",
      ...environment,
    })
    await made.publish({ type: "voice", name: "call.started", payload: { call_id: "c-1" } })
    await made.publish({ type: "voice", name: "call.ended", payload: { call_id: "c-1", status: 503 } })
    await made.publish({ type: "custom", name: "report", payload: { number: 1 } })
    await made.publish({ type: "system", name: "counted", payload: { count: 7 } })
    await waitUntil(async () => (await made.deadLetters()) === 1, "the event to become a dead letter")
    return made
  }

  /** Publishes an event. Resolves with its id. */
  async publish(draft: unknown): Promise<string> {
    const headers = { "Content-Type": "application/json", ...this.bearer("admin") }
    const body = JSON.stringify(draft)
    const response = await fetch(`${this.url}/api/v1/events`, { method: "POST", headers, body })
    const { id } = (await response.json()) as { readonly id: string }
    return id
  }

  async get(path: string): Promise<unknown> {
    return (await fetch(this.url + path, { headers: this.bearer("admin") })).json()
  }

  async post(path: string, body: unknown = {}): Promise<unknown> {
    const headers = { "Content-Type": "application/json", ...this.bearer("admin") }
    return (await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) })).json()
  }

  async deadLetters(queue = "voice_events"): Promise<number> {
    const { dead_letters: count } = (await this.queue(queue)) ?? {}
    return count ?? 0
  }

  async queue(name: string): Promise<ShownQueue | undefined> {
    const { queues } = (await this.get("/api/v1/queues")) as { readonly queues: readonly ShownQueue[] }
    return queues.find((queue) => queue.name === name)
  }

  bearer(name: KeyName): Record<string, string> {
    return { Authorization: `Bearer ${this.key(name)}` }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]()
  }
}

interface ShownQueue {
  readonly name: string
  readonly waiting: number
  readonly dead_letters: number
  readonly is_paused: boolean
}

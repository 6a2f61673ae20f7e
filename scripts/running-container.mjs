import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

const WAIT_MS = 20
const WAIT_LIMIT_MS = 30_000

/** Waits until a condition holds. @throws after half a minute, naming the condition. */
export async function until(condition, what) {
  const goesOnAt = performance.now() + WAIT_LIMIT_MS
  while (!(await condition())) {
    if (performance.now() > goesOnAt) throw new Error(`timed out waiting for ${what}`)
    await sleep(WAIT_MS)
  }
}

/** The service as a process in an image's file system, with its output. */
export class RunningContainer {
  #process
  #ended
  log = ""

  constructor(command, args) {
    this.#process = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on("data", (data) => {
        this.log += data
      })
    }
    this.#ended = new Promise((resolve) => this.#process.on("close", resolve))
  }

  /** The service's process, found among the processes that started it. */
  get pid() {
    return familyOf(this.#process.pid).find(({ name }) => name === "event-broker")?.pid
  }

  /** The user that it runs as. */
  get uid() {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1])
  }

  async listening() {
    await until(() => this.log.includes('"msg":"listening"'), `the service to listen; it said:\n${this.log}`)
  }

  /** Stops it as an orchestrator does. Resolves with its exit code. */
  stop() {
    process.kill(this.pid, "SIGTERM")
    return this.#ended
  }

  /** Ends all of its remaining processes. */
  async kill() {
    if (this.#process.exitCode !== null) return
    for (const { pid } of familyOf(this.#process.pid).toReversed()) killIfThere(pid)
    await this.#ended
  }
}

function killIfThere(pid) {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    // It has already ended.
    if (error.code !== "ESRCH") throw error
  }
}

/** Returns a process and all of its descendants. */
function familyOf(ancestor) {
  const all = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap(readProcess)
  const family = new Set([ancestor])
  // A child can be listed before its parent, but has the higher id unless ids have wrapped around.
  for (let size = 0; size !== family.size; ) {
    size = family.size
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid)
  }
  return all.filter(({ pid }) => family.has(pid))
}

function readProcess(id) {
  try {
    const [, pid, name, parent] =
      /^(\d+) \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${id}/stat`, "utf8")) ?? []
    return [{ pid: Number(pid), name, parent: Number(parent) }]
  } catch {
    // It has ended meanwhile.
    return []
  }
}

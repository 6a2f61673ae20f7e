import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buildah, buildahCommand, buildHandlersImage, buildImage, ISOLATION } from "./container-image.mjs"
import { RunningContainer, until } from "./running-container.mjs"
import { ROOT } from "./toolchain.mjs"

const USER = 10_001

const HANDLER = `export default { queue: "custom_events", on: {
  hello: (event: { payload: { who: string } }, ctx: any) => ctx.log.info("hello " + event.payload.who),
} }`

const EVENT = { type: "custom", name: "hello", payload: { who: "container" } }

/** Of a queue without a handler. */
const WAITING = { type: "user", name: "login", payload: {} }

const CALL_ENDED = { type: "voice", name: "call.ended", payload: { call_id: "c-1", duration_seconds: 62 } }

/** Folders of a test, and where a container has them. */
const HANDLERS_VOLUME = "handlers:/handlers:ro"
const DATA_VOLUME = "data:/data:rw"

/** Mounts what an engine would, where no other process sees it, and makes way for the command: root, handlers, data. */
const READ_ONLY = `
  mount --bind "$1" "$1"
  mount --bind /proc "$1/proc"
  mount --bind /dev "$1/dev"
  mount --bind "$2" "$1/handlers"
  mount --bind "$3" "$1/data"
  mount --options remount,bind,ro "$1"
  if touch "$1/written" 2>&1; then exit 1; fi
  shift 3
  exec chroot "$@"`

/** Facts about the image, as sentences; each gets a container and a folder of its own. */
const CASES = {
  "runs as a user of its own, with a volume, a port and a health check that needs no shell": ({ config }) => {
    assert.equal(config.User, `${USER}:${USER}`)
    assert.deepEqual(Object.keys(config.Volumes), ["/data"])
    assert.deepEqual(Object.keys(config.ExposedPorts), ["8000/tcp"])
    assert.deepEqual(config.Entrypoint, ["event-broker"])
    assert.deepEqual(config.Healthcheck.Test, ["CMD", "event-broker", "health", "--live"])
  },

  "needs no variable: accepts an event and handles it, reports that it is healthy, and stops cleanly": async (
    given,
  ) => {
    const service = await given.start({})
    assert.equal(service.uid, USER)
    assert.match(service.log, /"engine":"embedded"/)
    await publish(given.url)
    await until(() => service.log.includes("hello container"), "the handler's line in the log")
    const { Test } = given.config.Healthcheck
    assert.equal(given.run(Test.slice(1), {}).status, 0)
    assert.equal(await service.stop(), 0)
    assert.notEqual(given.run(Test.slice(1), {}).status, 0)
  },

  "keeps the events that wait in its volume": async (given) => {
    const first = await given.start({})
    await publish(given.url, WAITING)
    assert.equal(await first.stop(), 0)
    const second = await given.start({})
    const queues = await (await fetch(`${given.url}/api/v1/queues/user_events`)).json()
    assert.equal(queues.waiting, 1)
    assert.equal(await second.stop(), 0)
  },

  "starts with .env.example unchanged, live but not ready while RabbitMQ is unreachable": async (given) => {
    const service = await given.start(readEnvironmentFile(join(ROOT, ".env.example")))
    assert.equal((await fetch(`${given.url}/health/live`)).status, 200)
    assert.equal((await fetch(`${given.url}/health/ready`)).status, 503)
    assert.match(service.log, /"engine":"rabbitmq","why":"RABBITMQ_HOST is set"/)
    assert.equal(await service.stop(), 0)
  },

  "runs on a read-only root, except for its volume": async (given) => {
    const service = await given.startReadOnly({ ENGINE: "embedded" })
    await publish(given.url)
    await until(() => service.log.includes("hello container"), "the handler's line in the log")
    assert.equal(await service.stop(), 0)
  },
}

/** Tests of the example of an image with handlers. */
const CASES_WITH_HANDLERS = {
  "runs its handlers, with their npm packages": async (given) => {
    const service = await given.start({ ENGINE: "embedded" }, [DATA_VOLUME])
    await publish(given.url, CALL_ENDED)
    await until(() => service.log.includes("the call took 1m 2s"), "the handler's line in the log")
    assert.equal(await service.stop(), 0)
  },
}

/** Builds both images and holds each to its cases. Returns a count of each outcome. */
export async function containerTests(bun) {
  const count = { passed: 0, failed: 0 }
  const tell = (title, error) => {
    console.log(`${error === null ? "(pass)" : "(fail)"} ${title}`)
    if (error === null) count.passed++
    else {
      count.failed++
      console.error(error)
    }
  }
  await hold("the image", () => buildImage(bun), CASES, tell)
  await hold("the image with handlers", buildHandlersImage, CASES_WITH_HANDLERS, tell)
  return count
}

/** Builds an image and holds it to its cases; without an image there are none. */
async function hold(name, build, cases, tell) {
  let image
  try {
    image = build()
    tell(`${name} is built`, null)
  } catch (error) {
    tell(`${name} is built`, error)
    return
  }
  for (const [title, run] of Object.entries(cases)) {
    const given = new GivenImage(image, await freePort())
    try {
      await run(given)
      tell(`${name} ${title}`, null)
    } catch (error) {
      tell(`${name} ${title}`, error)
    } finally {
      await given.dispose()
    }
  }
}

/** A container of the image, with folders for handlers and for its volume. */
class GivenImage {
  #folder = mkdtempSync(join(tmpdir(), "event-broker-container-"))
  #container
  #port
  #services = []
  config

  constructor(image, port) {
    this.#container = buildah("from", "--pull-never", image)
    this.#port = port
    this.config = JSON.parse(buildah("inspect", this.#container)).Docker.config
    mkdirSync(join(this.#folder, "handlers"))
    writeFileSync(join(this.#folder, "handlers", "hello.ts"), HANDLER)
    mkdirSync(join(this.#folder, "data"))
    chownSync(join(this.#folder, "data"), USER, USER)
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Starts what the image starts. */
  start(environment, folders = [HANDLERS_VOLUME, DATA_VOLUME]) {
    const volumes = folders.flatMap((each) => ["--volume", join(this.#folder, each)])
    const variables = this.#variables(environment).flatMap((each) => ["--env", each])
    const args = [
      "run",
      ...ISOLATION,
      ...volumes,
      ...variables,
      this.#container,
      "--",
      ...this.config.Entrypoint,
    ]
    return this.#started(new RunningContainer(...buildahCommand(...args)))
  }

  /** Starts the image's command on a read-only file system. */
  startReadOnly(environment) {
    const root = buildah("mount", this.#container)
    const places = [root, join(this.#folder, "handlers"), join(this.#folder, "data")]
    const variables = [...this.config.Env, ...this.#variables(environment)]
    const command = [`--userspec=${USER}:${USER}`, root, "env", "-i", ...variables, ...this.config.Entrypoint]
    const args = ["--mount", "--propagation", "private", "sh", "-ec", READ_ONLY, "sh", ...places, ...command]
    return this.#started(new RunningContainer("unshare", args))
  }

  /** Runs a command in the container to its end. */
  run(command, environment) {
    const variables = this.#variables(environment).flatMap((each) => ["--env", each])
    return spawnSync(...buildahCommand("run", ...ISOLATION, ...variables, this.#container, "--", ...command))
  }

  async dispose() {
    for (const service of this.#services) await service.kill()
    buildah("rm", this.#container)
    rmSync(this.#folder, { recursive: true })
  }

  async #started(service) {
    this.#services.push(service)
    await service.listening()
    return service
  }

  /** Without a network of its own, a free port stands in for the one that an engine would map. */
  #variables(environment) {
    return Object.entries({ ...environment, PORT: this.#port }).map(([name, value]) => `${name}=${value}`)
  }
}

async function publish(url, event = EVENT) {
  const headers = { "Content-Type": "application/json" }
  const response = await fetch(`${url}/api/v1/events`, {
    method: "POST",
    headers,
    body: JSON.stringify(event),
  })
  assert.equal(response.status, 201, await response.text())
}

/** Parses a file like `docker run --env-file`. */
function readEnvironmentFile(file) {
  const lines = readFileSync(file, "utf8").split("\n")
  const set = lines.filter((line) => line !== "" && !line.startsWith("#"))
  return Object.fromEntries(set.map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]))
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

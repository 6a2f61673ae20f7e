import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { freePorts } from "./free-ports.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { waitUntil } from "./wait-until.ts"

/** From Debian's package, which `npm test` installs. */
const HAPROXY = "/usr/sbin/haproxy"

const configOf = (port: number, servicePort: string, prefix: string) => `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s

frontend public
  bind 127.0.0.1:${port}
  http-request deny deny_status 404 unless { path_beg ${prefix} }
  http-request set-path %[path,regsub(^${prefix},/)]
  default_backend broker

backend broker
  server broker 127.0.0.1:${servicePort}
`

/** Returns true if something accepts connections on a port of this machine. */
export async function isListening(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
    socket.end()
    return true
  } catch {
    // Not listening yet; the caller waits, up to a limit.
    return false
  }
}

/** HAProxy, serving a service below a path and nothing else. */
export class PrefixProxy implements AsyncDisposable {
  /** Address of the service, with a final slash. */
  readonly url: string
  readonly #process: Bun.Subprocess
  readonly #folder: Disposable

  private constructor(url: string, process: Bun.Subprocess, folder: Disposable) {
    this.url = url
    this.#process = process
    this.#folder = folder
  }

  /** @param prefix a path that begins and ends with a slash */
  static async start(serviceUrl: string, prefix: string): Promise<PrefixProxy> {
    const folder = temporaryFolder()
    const [port = 0] = await freePorts(1)
    const file = join(folder.path, "haproxy.cfg")
    writeFileSync(file, configOf(port, new URL(serviceUrl).port, prefix))
    const haproxy = Bun.spawn([HAPROXY, "-db", "-f", file], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    })
    const url = `http://127.0.0.1:${port}${prefix}`
    await waitUntil(() => isListening(port), "HAProxy to listen")
    return new PrefixProxy(url, haproxy, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill()
    await this.#process.exited
    this.#folder[Symbol.dispose]()
  }
}

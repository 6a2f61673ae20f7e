import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freePorts } from "./free-ports.ts"
import { isListening } from "./prefix-proxy.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { waitUntil } from "./wait-until.ts"

/** Of Debian's packages, which `npm test` installs. */
const NGINX = "/usr/sbin/nginx"
const CADDY = "/usr/bin/caddy"

const EXAMPLES = join(import.meta.dir, "..", "..", "examples")

/** Puts another text in place of one that has to be there. */
function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the example has no "${from}"`)
  return text.replaceAll(from, to)
}

/** Debian's /etc/nginx/nginx.conf around the files of conf.d, with everything that nginx writes in one folder. */
const nginxConfig = (folder: string, site: string): string => `
daemon off;
user root;
pid ${folder}/pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${site}
}
`

/** A way to start a proxy from its example: its command and environment, for its folder and the address of the service. */
type Start = (
  folder: string,
  port: number,
  service: string,
) => { readonly command: readonly string[]; readonly env?: Readonly<Record<string, string>> }

const nginx: Start = (folder, port, service) => {
  const example = readFileSync(join(EXAMPLES, "nginx.conf"), "utf8")
  const site = replaced(
    replaced(example, "listen 80;", `listen 127.0.0.1:${port};`),
    "127.0.0.1:8000",
    service,
  )
  writeFileSync(join(folder, "nginx.conf"), nginxConfig(folder, site))
  return { command: [NGINX, "-e", join(folder, "error.log"), "-p", folder, "-c", join(folder, "nginx.conf")] }
}

const caddy: Start = (folder, port, service) => ({
  command: [CADDY, "run", "--config", join(EXAMPLES, "Caddyfile"), "--adapter", "caddyfile"],
  env: {
    SITE: `http://127.0.0.1:${port}`,
    SERVICE: service,
    CADDY_ADMIN: "off",
    HOME: folder,
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
  },
})

export const REVERSE_PROXIES = { nginx, caddy } as const

/** A proxy before a service, as its example in `examples/` says. */
export class ReverseProxy implements AsyncDisposable {
  /** Address of the service, with a slash at its end. */
  readonly url: string
  readonly #process: Bun.Subprocess
  readonly #folder: Disposable

  private constructor(url: string, process: Bun.Subprocess, folder: Disposable) {
    this.url = url
    this.#process = process
    this.#folder = folder
  }

  static async start(name: keyof typeof REVERSE_PROXIES, serviceUrl: string): Promise<ReverseProxy> {
    const folder = temporaryFolder()
    const [port = 0] = await freePorts(1)
    const { command, env = {} } = REVERSE_PROXIES[name](folder.path, port, new URL(serviceUrl).host)
    const log = Bun.file(join(folder.path, "log"))
    const child = Bun.spawn([...command], { env, stdin: "ignore", stdout: log, stderr: log })
    await waitUntil(async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended as it started:\n${await log.text()}`)
      return isListening(port)
    }, `${name} to listen`)
    return new ReverseProxy(`http://127.0.0.1:${port}/broker/`, child, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill()
    await this.#process.exited
    this.#folder[Symbol.dispose]()
  }
}

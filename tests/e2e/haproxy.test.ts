import { expect, test } from "bun:test"
import { newKey } from "../../src/commands/new-key.ts"
import { freePorts } from "../support/free-ports.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

/** From Debian's package, which `npm test` installs. */
const HAPROXY = "/usr/sbin/haproxy"

/** Path of HAProxy's statistics as CSV, which have the results of its checks. */
const STATS = "/haproxy"

const configOf = (port: number, statsPort: number, servicePort: number) => `
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s

frontend events
  bind 127.0.0.1:${port}
  default_backend by_default_check

backend by_default_check
  option httpchk
  server broker 127.0.0.1:${servicePort} check inter 200ms fall 1 rise 1

backend by_health
  option httpchk GET /health/ready
  server broker 127.0.0.1:${servicePort} check inter 200ms fall 1 rise 1

frontend stats
  bind 127.0.0.1:${statsPort}
  stats enable
  stats uri ${STATS}
`

/** The rows of HAProxy's statistics, by the name of their backend. */
async function checksOf(statsPort: number): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const response = await fetch(`http://127.0.0.1:${statsPort}${STATS};csv`)
  const [names = [], ...rows] = (await response.text()).split("\n").map((line) => line.split(","))
  const records = rows.map((row) =>
    Object.fromEntries(names.map((name, at) => [name.replace("# ", ""), row[at] ?? ""])),
  )
  return new Map(records.filter(({ svname }) => svname === "broker").map((row) => [row["pxname"] ?? "", row]))
}

test("HAProxy's default check, HTTP/1.0 without a Host, finds the service up, and events pass through HAProxy", async () => {
  await using folder = new ServiceFolder()
  const { key, line } = newKey({ name: "app", scope: ["publish"] })
  folder.write("keys", `${line}\n`)
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  const [port = 0, statsPort = 0] = await freePorts(2)
  folder.write("haproxy.cfg", configOf(port, statsPort, Number(new URL(service.url).port)))
  const haproxy = Bun.spawn([HAPROXY, "-db", "-f", `${folder.path}/haproxy.cfg`], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  })
  try {
    const isChecked = async () => {
      if (haproxy.exitCode !== null) throw new Error(await new Response(haproxy.stderr).text())
      const checks = await checksOf(statsPort).catch(() => null)
      return checks?.size === 2 && [...checks.values()].every(({ check_code }) => check_code !== "")
    }
    await waitUntil(isChecked, "HAProxy to have checked the service")
    const checks = await checksOf(statsPort)
    expect(checks.get("by_default_check")).toMatchObject({
      status: "UP",
      check_status: "L7OK",
      check_code: "204",
    })
    expect(checks.get("by_health")).toMatchObject({ status: "UP", check_status: "L7OK", check_code: "200" })
    const publish = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${port}/api/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: JSON.stringify({ type: "voice", name: "heard", payload: {} }),
      })
    expect((await publish({})).status).toBe(401)
    expect((await publish({ Authorization: `Bearer ${key}` })).status).toBe(201)
  } finally {
    haproxy.kill()
    await haproxy.exited
  }
})

import { expect, test } from "bun:test"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const EVENT = { type: "voice", name: "speech_recognized", payload: {} }
const WARNING =
  "no API keys: everybody who can reach this host can publish, read and delete events; set API_KEYS_FILE"

test("only a key that was made on the command line can publish", async () => {
  await using folder = new ServiceFolder()
  const { key, line } = await newKey(folder, "voice app", ["--scope", "publish"])
  expect(line).not.toContain(key)
  folder.write("keys", `${line}\n`)
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  const publish = (headers: Record<string, string>) =>
    fetch(`${service.url}/api/v1/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(EVENT),
    })
  expect((await publish({})).status).toBe(401)
  expect((await publish({ Authorization: `Bearer ${key}` })).status).toBe(201)
  expect((await fetch(`${service.url}/health/ready`)).status).toBe(200)
  expect(service.stdout).not.toContain(key)
})

test("--append adds the line to a private file, and prints the key alone, to be piped", async () => {
  await using folder = new ServiceFolder()
  const make = async (...args: readonly string[]) => {
    const command = folder.spawn(["keys", "new", "--scope", "publish", "--append", "keys", ...args])
    return { code: await command.exited(), stdout: command.stdout, stderr: command.stderr }
  }
  const first = await make("--name", "first")
  expect(first.stdout).toMatch(/^eb_[\w-]+\n$/)
  expect(statSync(join(folder.path, "keys")).mode & 0o777).toBe(0o600)
  // Some editors leave the last line without a newline.
  folder.write("keys", readFileSync(join(folder.path, "keys"), "utf8").trimEnd())
  expect((await make("--name", "second")).code).toBe(0)
  const again = await make("--name", "first")
  expect([again.code, again.stdout, again.stderr]).toEqual([
    2,
    "",
    expect.stringContaining("the name first is already used"),
  ])
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${first.stdout.trim()}` }
  const body = JSON.stringify(EVENT)
  const response = await fetch(`${service.url}/api/v1/events`, { method: "POST", headers, body })
  expect(response.status).toBe(201)
})

test("a key without a scope, or with an unknown one, is not made", async () => {
  await using folder = new ServiceFolder()
  const none = folder.spawn(["keys", "new", "--name", "a"])
  expect(await none.exited()).toBe(2)
  expect(none.stderr).toContain("--scope")
  const wrong = folder.spawn(["keys", "new", "--name", "a", "--scope", "write"])
  expect(await wrong.exited()).toBe(2)
  expect(wrong.stderr).toContain("--scope takes publish, read or admin, not write")
})

test("an unusable keys file stops the start with one sentence", async () => {
  await using folder = new ServiceFolder()
  folder.write("keys", "rubbish\n")
  const service = folder.spawn([], { API_KEYS_FILE: "keys" })
  expect(await service.exited()).toBe(2)
  expect(service.stderr).toBe(
    'event-broker: API_KEYS_FILE keys, line 1 is not JSON: it must be the line {"name":…} that "event-broker keys new" prints, not the key itself\n',
  )
})

test("a service without keys warns if other machines can reach it", async () => {
  await using folder = new ServiceFolder()
  const open = await folder.start({ HOST: "0.0.0.0" })
  expect(open.log.some(({ msg }) => msg === WARNING)).toBe(true)
  await open.stop()
  const local = await folder.start({ HOST: "127.0.0.1" })
  expect(local.log.some(({ msg }) => msg === WARNING)).toBe(false)
})

test("a limited key pauses and resumes only queues whose bindings all lie within its types", async () => {
  await using folder = new ServiceFolder()
  const key = await newKey(folder, "voice", ["--scope", "admin", "--type", "voice,notification"])
  folder.write("keys", `${key.line}\n`)
  const bindings: Readonly<Record<string, readonly string[]>> = {
    voice_events: [],
    calls: ["events.voice.call.*", "events.notification.#"],
    mixed: ["events.voice.#", "events.user.login"],
    everything: ["#"],
    patterns: ["events.*.call"],
    user_events: [],
  }
  for (const [queue, bind] of Object.entries(bindings)) {
    const text = JSON.stringify({ queue, ...(bind.length > 0 && { bind }) })
    folder.write(`handlers/${queue}.ts`, `export default { ...${text}, on: { "*"() {} } }`)
  }
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  const statusOf = async (queue: string, change: string) =>
    (
      await fetch(`${service.url}/api/v1/events/queues/${queue}/${change}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key.key}` },
      })
    ).status
  for (const change of ["pause", "resume"]) {
    for (const queue of ["voice_events", "calls"]) expect(await statusOf(queue, change)).toBe(200)
    for (const queue of ["mixed", "everything", "patterns", "user_events"]) {
      expect(await statusOf(queue, change)).toBe(403)
    }
    expect(await statusOf("nowhere", change)).toBe(404)
  }
})

test("the keys of a missing keys file stay in force, the metrics show it, and the file is read once it is back", async () => {
  await using folder = new ServiceFolder()
  const [old, next] = [
    await newKey(folder, "old", ["--scope", "read"]),
    await newKey(folder, "next", ["--scope", "read"]),
  ]
  folder.write("keys", `${old.line}\n`)
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  const metrics = ({ key }: { readonly key: string }) =>
    fetch(`${service.url}/metrics`, { headers: { Authorization: `Bearer ${key}` } })
  const isGood = async () => /^event_broker_keys_file_ok (\d)$/m.exec(await (await metrics(old)).text())?.[1]
  expect(await isGood()).toBe("1")
  folder.remove("keys")
  await waitUntil(async () => (await isGood()) === "0", "the metric to tell")
  folder.write("keys", `${next.line}\n`)
  await waitUntil(async () => (await metrics(next)).status === 200, "the new key to be taken")
  expect((await metrics(old)).status).toBe(401)
  const lines = service.log.filter(({ msg }) => msg.startsWith("keys"))
  expect(lines.map(({ level }) => level)).toEqual(["error", "info"])
})

async function newKey(folder: ServiceFolder, name: string, args: readonly string[]) {
  const made = folder.spawn(["keys", "new", "--name", name, ...args])
  expect(await made.exited()).toBe(0)
  const [key = "", line = ""] = made.stdout.split("\n")
  return { key, line }
}

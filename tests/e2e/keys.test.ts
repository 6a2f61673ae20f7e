import { expect, test } from "bun:test"
import { ServiceFolder } from "../support/running-service.ts"

const EVENT = { type: "voice", name: "speech_recognized", payload: {} }
const WARNING = "everybody who reaches this host may publish: set API_KEYS_FILE"

test("a key that was made on the command line publishes, and nothing else does", async () => {
  await using folder = new ServiceFolder()
  const made = folder.spawn(["keys", "new", "--name", "voice app", "--scope", "publish"])
  expect(await made.exited()).toBe(0)
  const [key = "", line = ""] = made.stdout.split("\n")
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

test("a key without a scope, or with one that is none, is not made", async () => {
  await using folder = new ServiceFolder()
  const none = folder.spawn(["keys", "new", "--name", "a"])
  expect(await none.exited()).toBe(2)
  expect(none.stderr).toContain("--scope")
  const wrong = folder.spawn(["keys", "new", "--name", "a", "--scope", "write"])
  expect(await wrong.exited()).toBe(2)
  expect(wrong.stderr).toContain("publish, read, admin")
})

test("a file of keys that can't be used stops the start, in one sentence", async () => {
  await using folder = new ServiceFolder()
  folder.write("keys", "rubbish\n")
  const service = folder.spawn([], { API_KEYS_FILE: "keys" })
  expect(await service.exited()).toBe(1)
  expect(service.stderr).toBe("event-broker: API_KEYS_FILE keys, line 1: is not JSON\n")
})

test("a service without keys warns where others than this machine reach it", async () => {
  await using folder = new ServiceFolder()
  const open = await folder.start({ HOST: "0.0.0.0" })
  expect(open.log.some(({ msg }) => msg === WARNING)).toBe(true)
  await open.stop()
  const local = await folder.start({ HOST: "127.0.0.1" })
  expect(local.log.some(({ msg }) => msg === WARNING)).toBe(false)
})

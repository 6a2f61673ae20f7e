import { expect, test } from "bun:test"
import { ServiceFolder } from "../support/running-service.ts"

interface Setting {
  readonly name: string
  readonly value: string
  readonly source: string
  readonly used: boolean
}

test("config prints every effective value with its source, and no secret", async () => {
  await using folder = new ServiceFolder()
  folder.write(".env", "QUEUE_TTL=5000\nRABBITMQ_HOST=broker\n")
  folder.write("password", "s3cret\n")
  const asked = folder.spawn(["config", "--json"], { RABBITMQ_PASSWORD_FILE: "password", LOG_LEVEL: "debug" })
  expect(await asked.exited()).toBe(0)
  const settings: readonly Setting[] = JSON.parse(asked.stdout)
  const of = (name: string) => settings.find((setting) => setting.name === name)
  expect(of("LOG_LEVEL")).toEqual({ name: "LOG_LEVEL", value: "debug", source: "environment", used: true })
  expect(of("QUEUE_TTL")).toEqual({ name: "QUEUE_TTL", value: "5000", source: ".env", used: true })
  expect(of("ENGINE")).toEqual({ name: "ENGINE", value: "rabbitmq", source: "RABBITMQ_HOST", used: true })
  expect(of("RABBITMQ_PASSWORD")).toEqual({
    name: "RABBITMQ_PASSWORD",
    value: "********",
    source: "password",
    used: true,
  })
  // The history is there, too.
  expect(of("DATA_DIR")).toMatchObject({ used: true })
  expect(asked.stdout).not.toContain("s3cret")
})

test("a key that was given for the file of the keys is shown nowhere, and a port that can't be is refused", async () => {
  await using folder = new ServiceFolder()
  const made = folder.spawn(["keys", "new", "--name", "a", "--scope", "read", "--json"])
  await made.exited()
  const { key } = JSON.parse(made.stdout)
  for (const command of [["config"], ["config", "--json"], []]) {
    const asked = folder.spawn(command, { API_KEYS_FILE: key, RABBITMQ_HOST: "broker:99999" })
    expect(await asked.exited()).toBe(2)
    expect(asked.stdout + asked.stderr).not.toContain(key)
    expect(asked.stderr).toContain(
      "  API_KEYS_FILE takes the path of a file, and the given one is not shown because it looks like a key itself\n",
    )
    expect(asked.stderr).toContain('  RABBITMQ_HOST takes ports from 1 to 65535, not "broker:99999"\n')
  }
})

test("config lists wrong variables, prints the rest and exits 2", async () => {
  await using folder = new ServiceFolder()
  const asked = folder.spawn(["config"], { PORT: "eighty" })
  expect(await asked.exited()).toBe(2)
  expect(asked.stderr).toContain("PORT takes a whole number")
  expect(asked.stdout).toContain("QUEUE_TTL")
})

import { expect, test } from "bun:test"
import { isSecretVariable, knownVariables } from "../../src/config.ts"
import { handlerEnvironment } from "../../src/handlers/handler-environment.ts"

const withValues = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, "x"]))

test("handlers see every variable of their own, whatever its name ends in", () => {
  const own = withValues([
    "STRIPE_KEY",
    "DATABASE_PASSWORD_FILE",
    "LOG_FILE",
    "PUBLIC_API_KEYS_FILE",
    "MY_DATA_DIR",
  ])
  expect(handlerEnvironment(own)).toEqual(own)
})

test("handlers see no secret of the service, and nothing that leads to one", () => {
  const secrets = knownVariables().filter(isSecretVariable)
  expect(secrets).not.toEqual([])
  const paths = ["API_KEYS_FILE", "DATA_DIR", "RABBITMQ_PASWORD", "EVENT_BROKER_KEY"]
  const hidden = [...secrets, ...secrets.map((name) => `${name}_FILE`), ...paths]
  expect(handlerEnvironment(withValues([...hidden, "PORT"]))).toEqual({ PORT: "x" })
})

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { newKey } from "../../src/commands/new-key.ts"
import { HEY_API_PROGRAM, OPENAPI_FETCH_PROGRAM } from "../support/client-programs.ts"
import { GeneratedClient, runTool } from "../support/generated-client.ts"
import { PrefixProxy } from "../support/prefix-proxy.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"

const GENERATORS = [
  [
    "openapi-typescript, used with openapi-fetch",
    "openapi-typescript/bin/cli.js",
    ["openapi.json", "-o", "client/schema.ts"],
    OPENAPI_FETCH_PROGRAM,
  ],
  [
    "@hey-api/openapi-ts",
    "@hey-api/openapi-ts/bin/run.js",
    ["-i", "openapi.json", "-o", "client"],
    HEY_API_PROGRAM,
  ],
] as const

/** The tools run in parallel processes, and each takes seconds of CPU time. */
const TIMEOUT_MS = 180_000

let folder: ServiceFolder
let service: RunningService
let document: string
const { key, line } = newKey({ name: "app", scope: ["publish", "read", "admin"] })

beforeAll(async () => {
  folder = new ServiceFolder()
  folder.write("keys", `${line}\n`)
  folder.write(
    "handlers/voice.ts",
    `export default { queue: "voice_events", on: { "*": (_, ctx) => ctx.deadLetter("no") } }`,
  )
  service = await folder.start({ API_KEYS_FILE: "keys", WORKER_POOL_SIZE: "1" })
  document = await (await fetch(`${service.url}/openapi.json`)).text()
  writeFileSync(join(folder.path, "openapi.json"), document)
})
afterAll(() => folder[Symbol.asyncDispose]())

describe("the OpenAPI document of the binary", () => {
  test.concurrent(
    "passes `redocly lint` without errors and warnings",
    async () => {
      const file = join(folder.path, "openapi.json")
      const said = await runTool("@redocly/cli/bin/cli.js", ["lint", "--config", "redocly.yaml", file])
      expect(said).toContain("Your API description is valid")
      expect(said).not.toMatch(/\d+ warnings?/)
    },
    TIMEOUT_MS,
  )

  test.concurrent(
    "passes `spectral lint` without errors, warnings and hints",
    async () => {
      const file = join(folder.path, "openapi.json")
      const args = ["lint", "--ruleset", ".spectral.yaml", "--fail-severity", "hint", file]
      expect(await runTool("@stoplight/spectral-cli/dist/index.js", args)).toContain("No results")
    },
    TIMEOUT_MS,
  )

  test.concurrent.each(GENERATORS)(
    "is taken by %s: the client compiles strictly, publishes, and reads a dead letter and a problem",
    async (_, generator, args, program) => {
      using client = new GeneratedClient(document, program)
      await client.generate(generator, args)
      await client.compile()
      // Behind a path prefix, as clients of some deployments reach the service.
      await using proxy = await PrefixProxy.start(service.url, "/broker/")
      expect(await client.run(proxy.url.replace(/\/$/, ""), key)).toEqual({
        status: "pending",
        reason: "rejected",
        call: "c-1",
        isUnroutable: true,
        outcome: "not-stored",
      })
    },
    TIMEOUT_MS,
  )
})

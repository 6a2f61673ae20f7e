import { describe, expect, test } from "bun:test"
import { HttpService } from "../support/http-service.ts"
import { KeysFile } from "../support/keys-file.ts"

describe("GET /api/v1/me", () => {
  test("shows what a key of any scope allows, and how the console is served", async () => {
    using keys = new KeysFile([{ name: "app", scope: ["publish"], type: ["voice"] }])
    await using service = await HttpService.start({ keys: keys.ring })
    const response = await fetch(`${service.url}/api/v1/me`, { headers: keys.bearer("app") })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      name: "app",
      scopes: ["publish"],
      types: ["voice"],
      has_history: false,
      console: { mode: "on", label: "" },
      engine: "embedded",
    })
  })

  test("needs a known key if the service has keys", async () => {
    using keys = new KeysFile([{ name: "app", scope: ["publish"] }])
    await using service = await HttpService.start({ keys: keys.ring })
    expect((await service.get("/api/v1/me")).status).toBe(401)
  })

  test("without keys, everybody may do everything", async () => {
    await using service = await HttpService.start()
    expect(await (await service.get("/api/v1/me")).json()).toMatchObject({
      name: null,
      scopes: ["publish", "read", "admin"],
      types: null,
    })
  })
})

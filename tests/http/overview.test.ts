import { describe, expect, test } from "bun:test"
import { SharedSnapshot } from "../../src/http/shared-snapshot.ts"
import { HttpService } from "../support/http-service.ts"
import { KeysFile } from "../support/keys-file.ts"

describe("GET /api/v1/overview", () => {
  test("has health, queues, modules and throughput in one answer", async () => {
    await using service = await HttpService.start()
    const overview = await (await service.get("/api/v1/overview")).json()
    const { queues } = (await (await service.get("/api/v1/queues")).json()) as { readonly queues: unknown }
    expect(overview).toMatchObject({
      health: { status: "ready" },
      queues,
      is_complete: true,
      modules: { generation: "5f0a91c3" },
      throughput: { step_seconds: 5, published: [] },
    })
  })

  test("needs the scope read, and a time that is a number", async () => {
    using keys = new KeysFile([{ name: "app", scope: ["publish"] }])
    await using closed = await HttpService.start({ keys: keys.ring })
    const response = await fetch(`${closed.url}/api/v1/overview`, { headers: keys.bearer("app") })
    expect(response.status).toBe(403)
    await using service = await HttpService.start()
    expect((await service.get("/api/v1/overview?since=yesterday")).status).toBe(422)
    expect((await service.get("/api/v1/overview?since=1795766400.5")).status).toBe(200)
  })
})

describe("a shared snapshot", () => {
  test("is made once for all who ask within its age", async () => {
    let made = 0
    const snapshot = new SharedSnapshot(async () => `${++made}`, 60_000)
    expect(await Promise.all([snapshot.text(), snapshot.text()])).toEqual(["1", "1"])
    expect(await snapshot.text()).toBe("1")
  })

  test("is made again after a failure, and after its age", async () => {
    let made = 0
    const failing = new SharedSnapshot(async () => {
      if (++made === 1) throw new Error("the engine is away")
      return `${made}`
    }, 60_000)
    expect(failing.text()).rejects.toThrow("the engine is away")
    await Bun.sleep(0)
    expect(await failing.text()).toBe("2")
    const brief = new SharedSnapshot(async () => `${++made}`, 0)
    expect([await brief.text(), await brief.text()]).toEqual(["3", "4"])
  })
})

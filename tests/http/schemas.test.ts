import { describe, expect, test } from "bun:test"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"

const LOGIN = { type: "object", properties: { user_id: { type: "string" } }, required: ["user_id"] }
const schemas = [
  { path: "user/login.json", schema: {} },
  { path: "user/login@2.json", schema: LOGIN },
]
const good = { type: "user", name: "login", payload: { user_id: "u-1" } }
const bad = { type: "user", name: "login", payload: {} }
const FAULTS = [{ pointer: "/payload/user_id", message: "is required" }]

test("an event that does not match its schema is rejected with every fault, also in a batch, and nothing is stored", async () => {
  await using service = await HttpService.start({ schemas })
  expect((await service.post("/api/v1/events", good)).status).toBe(201)
  const problem = await problemOf(await service.post("/api/v1/events", bad), "validation-failed", 422)
  expect(problem).toMatchObject({ outcome: "not-stored", retryable: false, errors: FAULTS })
  const batch = await service.post("/api/v1/events/batch", { events: [bad, good] })
  expect(batch.status).toBe(207)
  expect(await batch.json()).toMatchObject({
    count: 1,
    failed: 1,
    events: [{ problem: { errors: FAULTS } }, {}],
  })
  const older = { ...bad, metadata: { schema_version: 1 } }
  expect((await service.post("/api/v1/events", older)).status).toBe(201)
  const [stats] = (await service.engine.queueStats()).filter(({ name }) => name === "user_events")
  expect(stats?.messageCount).toBe(3)
})

test("a payload with many faults is rejected with the first 100 and their total", async () => {
  const strict = [{ path: "user/login.json", schema: { additionalProperties: false } }]
  await using service = await HttpService.start({ schemas: strict })
  const payload = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field${n}`, n]))
  const refusal = await service.post("/api/v1/events", { ...good, payload })
  const { detail, errors } = await problemOf(refusal, "validation-failed", 422)
  expect(detail).toBe("The input has 500 faults: `errors` lists 100 of them and omits 400.")
  expect(errors).toHaveLength(100)
  const tried = await service.post("/api/v1/schemas/user/login/validate", { payload })
  const verdict = (await tried.json()) as { readonly errors: readonly unknown[] }
  expect(verdict.errors).toEqual([...(errors ?? []), { pointer: "/payload", message: "has 400 more faults" }])
})

test("the schemas can be listed, read, and tried", async () => {
  await using service = await HttpService.start({ schemas })
  const got = async (path: string) => (await service.get(path)).json()
  expect(await got("/api/v1/schemas")).toEqual([{ type: "user", name: "login", versions: [2, 1] }])
  expect(await got("/api/v1/schemas/user/login")).toEqual(LOGIN)
  expect(await got("/api/v1/schemas/user/login?version=1")).toEqual({})
  const missing = await problemOf(await service.get("/api/v1/schemas/user/login?version=3"), "not-found", 404)
  expect(missing.detail).toContain("2, 1")
  await problemOf(await service.get("/api/v1/schemas/user/logout"), "not-found", 404)
  const tried = async (body: object) =>
    (await service.post("/api/v1/schemas/user/login/validate", body)).json()
  expect(await tried({ payload: {} })).toEqual({ is_valid: false, schema_version: 2, errors: FAULTS })
  expect(await tried({ payload: {}, schema_version: 1 })).toMatchObject({ is_valid: true, schema_version: 1 })
  expect((await service.engine.queueStats()).every(({ messageCount }) => messageCount === 0)).toBe(true)
})

test("a service without schemas lists none, and accepts any payload", async () => {
  await using service = await HttpService.start()
  expect(await (await service.get("/api/v1/schemas")).json()).toEqual([])
  await problemOf(await service.get("/api/v1/schemas/user/login"), "not-found", 404)
  expect((await service.post("/api/v1/events", bad)).status).toBe(201)
})

describe("a fault of a request about a schema is in the words of the service:", () => {
  const faultsOf = async (send: (service: HttpService, path: string) => Promise<Response>) => {
    await using service = await HttpService.start({ schemas })
    const answer = await send(service, "/api/v1/schemas/user/login")
    return (await problemOf(answer, "validation-failed", 422)).errors
  }

  test.each([
    [[], [["", "must be a JSON object"]]],
    [
      { payloads: {} },
      [
        ["/payload", "is required"],
        ["/payloads", "is unknown here; did you mean payload?"],
      ],
    ],
    [{ payload: 1, schema_version: "1" }, [["/schema_version", "must be a whole number"]]],
    [{ payload: 1, schema_version: 1.5 }, [["/schema_version", "must be a whole number"]]],
    [{ payload: 1, schema_version: 1e300 }, [["/schema_version", "must be a whole number"]]],
  ])("the body %j", async (body, faults) => {
    const errors = await faultsOf((service, path) => service.post(`${path}/validate`, body))
    expect(errors).toEqual(faults.map(([pointer = "", message = ""]) => ({ pointer, message })))
  })

  test.each([
    ["version=x", "version", "must be a whole number"],
    ["version=1&version=2", "version", "is given 2 times: give it once"],
    ["versoin=1", "versoin", "is unknown here; did you mean version?"],
  ])("the query ?%s", async (query, parameter, message) => {
    const errors = await faultsOf((service, path) => service.get(`${path}?${query}`))
    expect(errors).toEqual([{ parameter, message }])
  })
})

import { describe, expect, test } from "bun:test"
import { Parser } from "@asyncapi/parser"
import { readSchemaFiles } from "../../src/schema/schema-files.ts"
import { HttpService } from "../support/http-service.ts"

const EXAMPLE_SCHEMAS = readSchemaFiles(`${import.meta.dir}/../../examples/schemas`)

interface Media {
  readonly schema: { readonly example?: unknown }
  readonly example?: unknown
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

const operationsOf = async (service: HttpService) => {
  const document = (await (await service.get("/openapi.json")).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  }
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
}

describe("the OpenAPI document", () => {
  test("has publish examples that are accepted unchanged, also by the example schemas", async () => {
    await using service = await HttpService.start({ schemas: EXAMPLE_SCHEMAS })
    const examples = (await operationsOf(service))
      .filter(({ path }) => path.startsWith("/api/v1/events"))
      .flatMap(({ path, operation }) =>
        Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => ({ path, type, media })),
      )
    expect(examples.map(({ type }) => type)).toEqual([
      "application/json",
      "application/cloudevents+json",
      "application/json",
      "application/cloudevents-batch+json",
      "application/x-ndjson",
    ])
    for (const { path, type, media } of examples) {
      const example = media.example ?? media.schema.example
      const body = typeof example === "string" ? example : JSON.stringify(example)
      const response = await service.postRaw(path, body, { "Content-Type": type })
      expect([type, response.status]).toEqual([type, type === "application/x-ndjson" ? 200 : 201])
      expect(await response.text()).not.toContain("problem")
    }
  })

  test("documents for every route except probes how a key is refused, and what each problem looks like", async () => {
    await using service = await HttpService.start()
    for (const { path, method, operation } of await operationsOf(service)) {
      const isOpen = /^\/(|health.*|docs.*|redoc.*|console.*|openapi.json)$/.test(path)
      expect([path, method, Object.hasOwn(operation.responses, "401")]).toEqual([path, method, !isOpen])
      for (const { content } of Object.values(operation.responses)) {
        const problem = content?.["application/problem+json"] as { readonly examples?: object } | undefined
        if (problem !== undefined) expect(Object.keys(problem.examples ?? {}).length).toBeGreaterThan(0)
      }
    }
  })
})

describe("the AsyncAPI document", () => {
  test.each([
    ["without schemas", []],
    ["with the example schemas", EXAMPLE_SCHEMAS],
    ["with references within a file and between versions", versioned()],
  ] as const)("is valid according to the official parser: %s", async (_, schemas) => {
    await using service = await HttpService.start({ schemas })
    const text = await (await service.get("/asyncapi.json")).text()
    const { document, diagnostics } = await new Parser().parse(text)
    const errors = diagnostics.filter(({ severity }) => severity === 0)
    expect(errors.map(({ message, path }) => `${path.join("/")}: ${message}`)).toEqual([])
    const names = document
      ?.channels()
      .all()
      .map((channel) => channel.id())
    expect(names).toContain("voice_events")
    expect(names).toContain("exchange")
  })

  test("has the queues with their AMQP bindings, and a message for each version of a schema", async () => {
    await using service = await HttpService.start({ schemas: versioned() })
    const document = (await (await service.get("/asyncapi.json")).json()) as Record<string, unknown>
    expect(document).toMatchObject({
      asyncapi: "3.0.0",
      channels: {
        exchange: { bindings: { amqp: { is: "routingKey", exchange: { name: "events", type: "topic" } } } },
        user_events: {
          address: "user_events",
          bindings: { amqp: { is: "queue", queue: { durable: true } } },
        },
      },
      components: {
        messages: {
          "user.login.v1": {
            payload: { allOf: [{}, { properties: { payload: { $ref: expect.any(String) } } }] },
          },
          "user.login.v2": {},
        },
        schemas: {
          user_login_2: { properties: { who: { $ref: "#/components/schemas/common_ids/$defs/user" } } },
          user_login: { properties: { who: { $ref: "#/components/schemas/user_login/$defs/name" } } },
        },
      },
    })
  })
})

function versioned() {
  return [
    { path: "common/ids.json", schema: { $defs: { user: { type: "string" } } } },
    {
      path: "user/login.json",
      schema: { $defs: { name: { type: "string" } }, properties: { who: { $ref: "#/$defs/name" } } },
    },
    {
      path: "user/login@2.json",
      schema: { properties: { who: { $ref: "../common/ids.json#/$defs/user" } } },
    },
  ]
}

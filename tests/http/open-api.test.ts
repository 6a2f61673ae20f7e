import { beforeAll, describe, expect, test } from "bun:test"
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import addFormats from "ajv-formats"
import { PROBLEM_SLUGS, problemStatus, problemType } from "../../src/http/problem.ts"
import { HttpService } from "../support/http-service.ts"
import {
  type JsonSchema,
  type Media,
  type OpenApiDocument,
  openApiOf,
  operationsOf,
} from "../support/open-api.ts"

let document: OpenApiDocument
beforeAll(async () => {
  await using service = await HttpService.start()
  document = await openApiOf(service)
})

/**
 * Validates values against parts of the document. Strict: a keyword that JSON Schema doesn't have is an
 * error.
 */
function validatorOf(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true })
  addFormats(ajv)
  ajv.addVocabulary(["example"])
  for (const keyword of ["openapi", "info", "servers", "tags", "paths", "components", "webhooks"]) {
    ajv.addKeyword({ keyword })
  }
  ajv.addSchema(document, "openapi")
  const validators = new Map<string, ValidateFunction>()
  return (steps: readonly string[], value: unknown): string | null => {
    const pointer = steps.map((step) => step.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")
    const { $ref = `#/${encodeURI(pointer)}` } = at(document, steps) as JsonSchema
    const validate = validators.get($ref) ?? ajv.compile({ $ref: `openapi${$ref}` })
    validators.set($ref, validate)
    return validate(value) ? null : `${pointer}: ${ajv.errorsText(validate.errors)}`
  }
}

const at = (value: unknown, [step, ...rest]: readonly string[]): unknown =>
  step === undefined ? value : at((value as Readonly<Record<string, unknown>>)[step], rest)

interface Example {
  /** Location of the schema that the value must match. */
  readonly schema: readonly string[]
  readonly value: unknown
}

/** Yields every object in the document with its path. */
function* walk(value: unknown, steps: readonly string[] = []): Generator<[readonly string[], object]> {
  if (typeof value !== "object" || value === null) return
  if (!Array.isArray(value)) yield [steps, value]
  for (const [key, inner] of Object.entries(value)) {
    // An example is a value, not part of the document.
    if (key !== "example" && key !== "examples") yield* walk(inner, [...steps, key])
  }
}

/** Yields the examples of media types, parameters, headers and schemas. */
function* examplesOf(document: OpenApiDocument): Generator<Example> {
  for (const [steps, node] of walk(document)) {
    const { schema, example, examples } = node as Partial<Media>
    const at = schema === undefined ? steps : [...steps, "schema"]
    if (steps.at(-2) === "properties" && steps.at(-1) === "example") continue
    if (example !== undefined) yield { schema: at, value: example }
    if (Array.isArray(examples)) for (const value of examples) yield { schema: at, value }
    else for (const { value } of Object.values(examples ?? {})) yield { schema: at, value }
  }
}

describe("the OpenAPI document", () => {
  test("contains only JSON Schemas: each compiles strictly", () => {
    const validate = validatorOf(document)
    const schemas = [...walk(document)]
      .filter(([steps]) => steps.at(-1) === "schema" || steps.at(-2) === "schemas")
      .map(([steps]) => steps)
    expect(schemas.length).toBeGreaterThan(200)
    for (const steps of schemas) expect(() => validate(steps, null), steps.join("/")).not.toThrow()
  })

  test("has examples that match their own schemas", () => {
    const validate = validatorOf(document)
    const examples = [...examplesOf(document)]
    expect(examples.length).toBeGreaterThan(200)
    const wrong = examples.flatMap(({ schema, value }) => validate(schema, value) ?? [])
    expect(wrong).toEqual([])
  })

  test("has an example of every JSON body", () => {
    const operations = operationsOf(document)
    const bodies = operations.flatMap(({ path, method, operation }) =>
      [["request", operation.requestBody], ...Object.entries(operation.responses)].flatMap(([name, body]) =>
        Object.entries((body as { readonly content?: Record<string, Media> } | undefined)?.content ?? {}).map(
          ([type, media]) => ({
            name: `${method} ${path} ${name} ${type}`,
            status: String(name),
            type,
            media,
          }),
        ),
      ),
    )
    const bare = bodies.filter(
      ({ status, type, media }) =>
        /json/.test(type) &&
        /^(2|request)/.test(status) &&
        media.example === undefined &&
        media.schema.example === undefined,
    )
    expect(bare.map(({ name }) => name)).toEqual([])
  })

  test("has an example of every kind of problem", () => {
    const { components } = document
    const problem = components.schemas["Problem"] as { readonly examples?: readonly unknown[] }
    expect(problem.examples).toEqual(
      PROBLEM_SLUGS.map((slug) =>
        expect.objectContaining({ type: problemType(slug), status: problemStatus(slug) }),
      ),
    )
  })

  test("has each problem of an operation as an example of its status", () => {
    const seen = new Set<string>()
    for (const { path, operation } of operationsOf(document)) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        for (const [slug, { value }] of Object.entries(
          content?.["application/problem+json"]?.examples ?? {},
        )) {
          seen.add(slug)
          expect([path, value]).toEqual([
            path,
            expect.objectContaining({ type: `urn:event-broker:problem:${slug}`, status: Number(status) }),
          ])
        }
      }
    }
    // A path without the method is not an operation.
    expect([...seen, "method-not-allowed"].toSorted()).toEqual([...PROBLEM_SLUGS].toSorted())
  })

  test("states the outcome on publishes only", () => {
    for (const { operation } of operationsOf(document)) {
      const full =
        operation.responses["503"]?.content?.["application/problem+json"]?.examples?.["engine-unavailable"]
      const isPublish = /^publish/.test(operation.operationId)
      if (full !== undefined) expect(Object.hasOwn(full.value as object, "outcome")).toBe(isPublish)
    }
  })

  test("names each operation once, and describes it", () => {
    const operations = operationsOf(document)
    const names = operations.map(({ operation }) => operation.operationId)
    expect(new Set(names).size).toBe(names.length)
    for (const { operation } of operations) {
      expect(operation.operationId).toMatch(/^[a-z]+[A-Za-z]+$/)
      expect(operation.summary).toMatch(/^[A-Z].*[^.]$/)
      expect(operation.description).toMatch(/\.$/)
      expect(operation.tags).toHaveLength(1)
    }
  })

  test("has a relative server URL, and accepts a key in either header", () => {
    const { servers, components, paths } = document
    expect(servers.map(({ url }) => url)).toEqual(["."])
    expect(components.securitySchemes).toMatchObject({
      key: { type: "http", scheme: "bearer" },
      keyHeader: { type: "apiKey", in: "header", name: "X-API-Key" },
    })
    expect(paths["/api/v1/events"]?.["post"]?.security).toEqual([
      { key: ["publish"] },
      { keyHeader: ["publish"] },
    ])
  })

  test("names the schemas that clients send and receive, none of them with a default", () => {
    const { schemas } = document.components
    for (const name of [
      "Event",
      "EventDraft",
      "CloudEvent",
      "Problem",
      "Receipt",
      "DeadLetter",
      "DeadLetterSelection",
    ]) {
      expect(schemas).toContainKey(name)
    }
    const withDefault = Object.entries(schemas).filter(([, schema]) =>
      /"default":/.test(JSON.stringify(schema)),
    )
    expect(withDefault.map(([name]) => name)).toEqual([])
    expect(schemas["EventDraft"]).toMatchObject({
      required: ["type", "name", "payload"],
      properties: { payload: { type: "object", additionalProperties: true } },
    })
  })
})

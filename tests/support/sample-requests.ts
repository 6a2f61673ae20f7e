import type { JsonSchema, OpenApiDocument, Operation, Parameter } from "./open-api.ts"

/** A request as the documentation page sends it by default. */
export interface SampleRequest {
  readonly path: string
  readonly init: RequestInit
}

/** Returns the sample requests of an operation: one for each media type of its body. */
export function sampleRequests(
  document: OpenApiDocument,
  path: string,
  method: string,
  { parameters = [], requestBody }: Operation,
): readonly SampleRequest[] {
  const target = fill(path, parameters) + queryOf(parameters)
  if (requestBody === undefined) return [{ path: target, init: { method: method.toUpperCase() } }]
  return Object.entries(requestBody.content).map(([type, { schema, example }]) => {
    const value = example ?? resolve(document, schema).example
    const body = typeof value === "string" ? value : JSON.stringify(value)
    return { path: target, init: { method: method.toUpperCase(), body, headers: { "Content-Type": type } } }
  })
}

function resolve({ components }: OpenApiDocument, schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split("/").at(-1)
  return (name === undefined ? undefined : components.schemas[name]) ?? schema
}

const sampleOf = ({ schema }: Parameter): unknown =>
  schema.example ?? schema.default ?? (schema.type === "string" ? schema.enum?.[0] : undefined)

const fill = (path: string, parameters: readonly Parameter[]): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = parameters.find((each) => each.in === "path" && each.name === name)
    return encodeURIComponent(String(parameter === undefined ? "" : sampleOf(parameter)))
  })

function queryOf(parameters: readonly Parameter[]): string {
  const query = new URLSearchParams()
  for (const parameter of parameters) {
    if (parameter.in !== "query") continue
    const value = parameter.schema.example ?? parameter.schema.default
    if (value === undefined) continue
    for (const each of Array.isArray(value) ? value : [value]) query.append(parameter.name, String(each))
  }
  return query.size === 0 ? "" : `?${query}`
}

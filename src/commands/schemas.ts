import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { Command } from "commander"
import { checkJsonNumbers } from "../event/json-text.ts"
import { adviseOnEvent } from "../schema/advise-on-event.ts"
import { type Comparison, compareSchemas, type Resolve } from "../schema/compatibility.ts"
import { SchemaCompiler } from "../schema/schema-compiler.ts"
import { reasonOf } from "../system/reason-of.ts"
import { printable } from "../telemetry/printable.ts"
import { EXIT_REFUSED } from "./exit-codes.ts"
import { isJsonArgument, nameOf, parseInput, readInput, unreadable, usage } from "./input.ts"
import { print, printJson } from "./output.ts"
import { askingService, pathPart, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { joined, type Shown, shown, table } from "./shown.ts"

const PATH = "/api/v1/schemas"

export function addSchemas(program: Command): void {
  const group = program
    .command("schemas")
    .description("show the schemas of events, and check payloads and schemas")
  const list = group.command("list").description("list the events that have a schema")
  askingService(list).action(listSchemas)
  const show = group
    .command("show")
    .argument("<event>", "<type>/<name>")
    .description("print the JSON Schema of an event")
  askingService(show).action(async (event: string, options: ServiceOptions) => {
    const client = new ServiceClient(options)
    printJson(await client.ask(await pathOf(event, client)))
  })
  const validate = group
    .command("validate")
    .argument("<event>", "<type>/<name>")
    .argument("<file>", "file with the payload as JSON, or - for standard input")
    .description("check a payload against the schema of its event, without publishing it")
  askingService(validate).action(validatePayload)
  group
    .command("check")
    .argument("<old>", "file with a JSON Schema")
    .argument("<new>", "file with the schema that replaces it")
    .description(
      "check whether a new schema breaks publishers or handlers of the old one, without asking a service",
    )
    .option("--json", "print JSON")
    .action(checkSchemas)
}

async function listSchemas(options: ServiceOptions): Promise<void> {
  const schemas = await listed(new ServiceClient(options))
  if (options.json) printJson(schemas)
  else {
    const rows = schemas.map(({ type, name, versions }) => [`${type}/${name}`, versions.join(", ")])
    print(table(["event", "versions"], rows))
  }
}

interface Verdict {
  readonly is_valid: boolean
  readonly schema_version: number
  readonly errors: readonly { readonly pointer: string; readonly message: string }[]
}

type Listed = readonly {
  readonly type: string
  readonly name: string
  readonly versions: readonly number[]
}[]

const listed = (client: ServiceClient): Promise<Listed> => client.ask<Listed>(PATH)

/** Returns the path of an event's schema. Rejects with a `CommandError` if the argument names no event. */
async function pathOf(event: string, client: ServiceClient): Promise<string> {
  const [type, name, ...rest] = event.split("/")
  if (type && name && rest.length === 0) {
    return `${PATH}/${pathPart(type)}/${pathPart(name)}`
  }
  const known = (await listed(client)).map((each) => `${each.type}/${each.name}`)
  const advice = printable(adviseOnEvent(event, known))
  throw usage(`there is no schema of ${JSON.stringify(event)}: an event is given as <type>/<name>; ${advice}`)
}

async function validatePayload(event: string, file: string, options: ServiceOptions): Promise<void> {
  if (isJsonArgument(file)) throw usage("the argument is JSON, not a file: pipe it, and give - as the file")
  const payload = parsed(await readInput(file), file)
  const client = new ServiceClient(options)
  const verdict = await client.ask<Verdict>(`${await pathOf(event, client)}/validate`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ payload }),
  })
  if (options.json) printJson(verdict)
  else if (verdict.is_valid) print(shown`valid against version ${verdict.schema_version}\n`)
  else for (const { pointer, message } of verdict.errors) print(shown`${pointer} ${message}\n`)
  if (!verdict.is_valid) process.exitCode = EXIT_REFUSED
}

function checkSchemas(oldFile: string, newFile: string, { json }: { readonly json?: boolean }): void {
  const [before, after] = [readJson(oldFile), readJson(newFile)]
  requireUsable(oldFile, before)
  requireUsable(newFile, after)
  const resolvers = { before: resolverOf(oldFile, before), after: resolverOf(newFile, after) }
  const comparison = compareSchemas(before, after, resolvers)
  if (json) printJson({ is_compatible: comparison.breaks.length === 0, ...comparison })
  else print(describe(comparison))
  if (comparison.breaks.length > 0) process.exitCode = EXIT_REFUSED
}

/** Throws for a schema with which a service would not start. */
function requireUsable(file: string, schema: unknown): void {
  try {
    new SchemaCompiler().add(file, schema)
  } catch (error) {
    const reason = reasonOf(error)
    throw usage(`${file} can't be used: ${reason}`)
  }
}

function describe({ breaks, unknown }: Comparison): Shown {
  const lines = [
    ...breaks.map((each) => `breaks ${each.breaks.padEnd(10)}  ${each.pointer || "/"}  ${each.message}`),
    ...unknown.map(({ pointer, keyword }) => `not compared       ${pointer}/${keyword}`),
  ]
  if (breaks.length === 0) {
    lines.push(
      "compatible: the new schema accepts every payload that the old one accepted, and guarantees handlers the same",
    )
    if (unknown.length > 0) lines.push("keywords that are not compared have changed: check them yourself")
  }
  return joined(lines.map((line) => shown`${line}\n`))
}

/** Resolves references within the file, and to files beside it. */
function resolverOf(file: string, root: unknown): Resolve {
  return (reference) => {
    const [path = "", pointer = ""] = reference.split("#")
    try {
      const document = path === "" ? root : readJson(resolve(dirname(file), path))
      return pointer.split("/").slice(1).reduce(stepInto, document)
    } catch {
      return null
    }
  }
}

function stepInto(value: unknown, step: string): unknown {
  const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : null
}

/** Reads a file with JSON, or a pipe such as `<(command)`. */
function readJson(file: string): unknown {
  if (isJsonArgument(file)) throw usage("the argument is JSON, not a file: name a file")
  return parsed(readText(file), file)
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** @throws {CommandError} for a text that is not JSON, or has a number that would be changed */
function parsed(text: string, file: string): unknown {
  const value = parseInput(text, file)
  try {
    checkJsonNumbers(text, value)
    return value
  } catch (error) {
    throw usage(`${nameOf(file)}: ${reasonOf(error)}`)
  }
}

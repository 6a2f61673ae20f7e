import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { projectFiles } from "../../src/commands/project-files.ts"
import { SchemaCatalog } from "../../src/schema/schema-catalog.ts"
import { payloadTypes } from "../../src/schema/types/payload-types.ts"
import { runCommand } from "./run-command.ts"
import { temporaryFolder } from "./temporary-folder.ts"

const TOOLS = join(import.meta.dir, "..", "..", "node_modules", ".bin")

/** The compilers that check types: of the versions 7 and 6. */
export const COMPILERS = ["tsc", "tsc6"]

/** Compiler options as strict as this repository's. */
const OPTIONS = {
  target: "ESNext",
  module: "Preserve",
  moduleResolution: "bundler",
  lib: ["ESNext", "DOM"],
  types: [],
  noEmit: true,
  allowImportingTsExtensions: true,
  strict: true,
  skipLibCheck: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noUnusedLocals: true,
  paths: { "event-broker": ["./types/event-broker.ts"] },
}

type Schemas = Readonly<Record<string, unknown>>

/** Returns the file with the types of these schemas, each given by its path. */
export const typesOf = (schemas: Schemas): string =>
  payloadTypes(new SchemaCatalog(Object.entries(schemas).map(([path, schema]) => ({ path, schema }))))

/** The types of handler modules, as `event-broker init` writes them. */
const MODULE_TYPES = ["types/event-broker.ts", "types/event.ts"]

/**
 * Compiles files, each given by its name, with the types of handler modules and of the schemas' payloads.
 * @returns what the compiler complains about
 */
export async function compileTyped(
  schemas: Schemas,
  files: Readonly<Record<string, string>>,
  compiler = "tsc",
): Promise<string> {
  using folder = temporaryFolder()
  const write = (name: string, content: string): void => writeFileSync(join(folder.path, name), content)
  mkdirSync(join(folder.path, "types"))
  const project = projectFiles()
  for (const name of MODULE_TYPES) write(name, project[name] ?? "")
  write("types/event-payloads.ts", typesOf(schemas))
  for (const [name, text] of Object.entries(files)) write(name, text)
  write("tsconfig.json", JSON.stringify({ compilerOptions: OPTIONS, include: [".", "types"] }))
  const { stdout, stderr } = await runCommand([join(TOOLS, compiler), "--project", "."], folder.path)
  return stdout + stderr
}

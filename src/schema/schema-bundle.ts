import { posix } from "node:path"
import type { SchemaFile } from "./schema-catalog.ts"

/** Place of a bundle's schemas in their document. */
const COMPONENTS = "#/components/schemas/"

/** Returns the name of a file in a bundle. Names of components have no slashes. */
export const bundledName = (path: string): string => path.replace(/\.json$/, "").replaceAll(/[^\w.-]/g, "_")

/** Makes schemas the components of one document. References to other files become references to their components. */
export function bundleSchemas(files: readonly SchemaFile[]): Record<string, unknown> {
  const paths = new Set(files.map(({ path }) => path))
  return Object.fromEntries(
    files.map(({ path, schema }) => [bundledName(path), withReferences(schema, path, paths)]),
  )
}

function withReferences(value: unknown, path: string, paths: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((each) => withReferences(each, path, paths))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      // These belong to a whole document: its dialect and its address.
      .filter(([key]) => key !== "$schema" && key !== "$id")
      .map(([key, each]) => [
        key,
        key === "$ref" && typeof each === "string"
          ? resolveReference(each, path, paths)
          : withReferences(each, path, paths),
      ]),
  )
}

/** Keeps a reference that leads to no file of the folder. */
function resolveReference(reference: string, from: string, paths: ReadonlySet<string>): string {
  const [file = "", pointer = ""] = reference.split("#")
  const path = file === "" ? from : posix.join(posix.dirname(from), file)
  return paths.has(path) ? COMPONENTS + bundledName(path) + pointer : reference
}

/** Returns the reference to a schema of a bundle. */
export const referenceTo = (path: string): { readonly $ref: string } => ({
  $ref: COMPONENTS + bundledName(path),
})

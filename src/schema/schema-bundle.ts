import { posix } from "node:path"
import type { SchemaFile } from "./schema-catalog.ts"

/** Where the schemas of a bundle are in the document that has them. */
const COMPONENTS = "#/components/schemas/"

/** The name of a file in a bundle: components have no slashes in theirs. */
export const bundledName = (path: string): string => path.replace(/\.json$/, "").replaceAll(/[^\w.-]/g, "_")

/** Schemas as the components of one document: what refers to another file refers to its component. */
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
      // What a document has as a whole: its dialect, and where it is.
      .filter(([key]) => key !== "$schema" && key !== "$id")
      .map(([key, each]) => [
        key,
        key === "$ref" && typeof each === "string"
          ? resolveReference(each, path, paths)
          : withReferences(each, path, paths),
      ]),
  )
}

/** A reference to what is no file of the folder stays as it is. */
function resolveReference(reference: string, from: string, paths: ReadonlySet<string>): string {
  const [file = "", pointer = ""] = reference.split("#")
  const path = file === "" ? from : posix.join(posix.dirname(from), file)
  return paths.has(path) ? COMPONENTS + bundledName(path) + pointer : reference
}

/** The reference to a schema of a bundle. */
export const referenceTo = (path: string): { readonly $ref: string } => ({
  $ref: COMPONENTS + bundledName(path),
})

import type { SchemaFile } from "../schema-catalog.ts"
import { BASE } from "../schema-compiler.ts"
import { isSchemaObject } from "../sub-schemas.ts"

/** A file of `SCHEMAS_DIR`, as references see it. */
export interface SchemaDocument {
  readonly path: string
  readonly schema: unknown
  /** Address that its references are relative to. */
  readonly base: string
}

/** A schema within a document. */
export interface Place {
  readonly document: SchemaDocument
  readonly schema: unknown
  /** JSON pointer; empty for the whole document. */
  readonly pointer: string
}

/** Finds the schemas that references lead to. */
export class SchemaDocuments {
  readonly #byAddress = new Map<string, SchemaDocument>()

  constructor(files: readonly SchemaFile[]) {
    for (const { path, schema } of files) {
      const id = isSchemaObject(schema) ? schema["$id"] : undefined
      const document = { path, schema, base: typeof id === "string" ? id.replace(/#$/, "") : BASE + path }
      for (const address of [BASE + path, document.base]) this.#byAddress.set(address, document)
    }
  }

  /** Returns the place of a whole file; null if there is no such file. */
  file(path: string): Place | null {
    const document = this.#byAddress.get(BASE + path)
    return document === undefined ? null : { document, schema: document.schema, pointer: "" }
  }

  /** Follows a `$ref`. Returns null for an anchor, and for what is within a schema that has an address of its own. */
  follow(reference: string, from: SchemaDocument): Place | null {
    const [address = "", pointer = ""] = reference.split("#")
    const target = address === "" ? from.base : URL.parse(address, from.base)?.href
    const document = target === undefined ? undefined : this.#byAddress.get(target)
    if (document === undefined || (pointer !== "" && !pointer.startsWith("/"))) return null
    let schema: unknown = document.schema
    for (const step of pointer.split("/").slice(1)) {
      const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")
      if (typeof schema !== "object" || schema === null || !Object.hasOwn(schema, name)) return null
      schema = Reflect.get(schema, name)
      if (hasOwnAddress(schema)) return null
    }
    return { document, schema, pointer }
  }
}

/** Returns true for a schema below that of a file to whose address, not that of the file, its references are relative. */
export const hasOwnAddress = (schema: unknown): boolean =>
  isSchemaObject(schema) && typeof schema["$id"] === "string"

import type { Event } from "../event/envelope.ts"
import { EVENT_TYPES, type EventType } from "../event/event-type.ts"
import { FaultList } from "../event/faults.ts"
import { faultsOfPayload, type PayloadJudge } from "./payload-faults.ts"
import { SchemaCompiler } from "./schema-compiler.ts"
import { eachFile, SchemaFileError } from "./schema-file-error.ts"

/** A file of `SCHEMAS_DIR` with its content. */
export interface SchemaFile {
  /** Path within the folder, with slashes. Other files refer to it relative to their own. */
  readonly path: string
  readonly schema: unknown
}

/** One version of the schema of an event's payload. */
export interface EventSchema {
  readonly type: EventType
  readonly name: string
  readonly version: number
  /** Path of its file within the folder. */
  readonly path: string
  readonly schema: unknown
  readonly judge: PayloadJudge
}

/** Version of a file that names none. */
const FIRST_VERSION = 1

/** `<type>/<name>.json` or `<type>/<name>@<version>.json`. Other schemas may refer to files in other folders. */
const EVENT_SCHEMA_PATH = new RegExp(`^(${EVENT_TYPES.join("|")})/([\\w.-]+?)(?:@(\\d{1,9}))?\\.json$`)

/** The schemas of events, each compiled. Source of the dialect: JSON Schema 2020-12. */
export class SchemaCatalog {
  /** Versions by event, the highest first. */
  readonly #schemas = new Map<string, readonly EventSchema[]>()
  /** All files, those included that only other schemas refer to. */
  readonly files: readonly SchemaFile[]

  /** @throws {SchemaFileError} that names every file that does not compile, or has the version of another */
  constructor(files: readonly SchemaFile[]) {
    const compiler = new SchemaCompiler()
    this.files = files
    eachFile(files, ({ path, schema }) => compiler.add(path, schema))
    eachFile(files, ({ path, schema }) => {
      const judge = compiler.compile(path)
      const [, type, name, version] = EVENT_SCHEMA_PATH.exec(path) ?? []
      const known = EVENT_TYPES.find((each) => each === type)
      if (known === undefined || name === undefined) return
      this.#add(path, {
        type: known,
        name,
        version: Number(version ?? FIRST_VERSION),
        path,
        schema,
        judge,
      })
    })
  }

  /** Every version of every event's schema. */
  all(): readonly EventSchema[] {
    return [...this.#schemas.values()].flat()
  }

  /** Returns the versions of an event's schema, the highest first; empty if it has no schema. */
  versionsOf(type: string, name: string): readonly EventSchema[] {
    return this.#schemas.get(`${type}/${name}`) ?? []
  }

  /** Lists the faults of an event; returns null if it has no schema. */
  faultsOf({
    type,
    name,
    payload,
    metadata,
  }: Pick<Event, "type" | "name" | "payload" | "metadata">): FaultList | null {
    const versions = this.versionsOf(type, name)
    if (versions.length === 0) return null
    const asked = metadata["schema_version"]
    const schema =
      asked === undefined ? versions[0] : versions.find(({ version }) => String(version) === String(asked))
    if (schema !== undefined) return faultsOfPayload(schema.judge, payload, "/payload")
    const known = versions.map(({ version }) => version).join(", ")
    const faults = new FaultList()
    faults.add("/metadata/schema_version", `must be a version of ${type}/${name}: ${known}`)
    return faults
  }

  #add(path: string, schema: EventSchema): void {
    const key = `${schema.type}/${schema.name}`
    const versions = this.#schemas.get(key) ?? []
    if (versions.some(({ version }) => version === schema.version)) {
      throw new SchemaFileError(path, `there is another file of version ${schema.version} of ${key}`)
    }
    this.#schemas.set(
      key,
      [...versions, schema].toSorted((a, b) => b.version - a.version),
    )
  }
}

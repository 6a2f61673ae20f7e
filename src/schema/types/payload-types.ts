import type { EventSchema, SchemaCatalog } from "../schema-catalog.ts"
import { isSchemaObject } from "../sub-schemas.ts"
import { SchemaDocuments } from "./schema-documents.ts"
import { indented, type Member, memberText } from "./type-text.ts"
import { TypeWriter } from "./type-writer.ts"

const HEAD = `// Written by \`event-broker types\` from the schemas in SCHEMAS_DIR. Do not edit it: it is overwritten.
`

/**
 * Writes a TypeScript file with the type of every event's payload. The same schemas give the same text. It adds to the
 * interface `EventPayloads` of the module `event-broker`: the highest version of an event as `<type>/<name>`, and, of an
 * event with several versions, each as `<type>/<name>@<version>`.
 */
export function payloadTypes(catalog: SchemaCatalog): string {
  const writer = new TypeWriter(new SchemaDocuments(catalog.files))
  const members = catalog
    .all()
    .flatMap((schema) => keysOf(schema, catalog).map((name) => memberOf(name, schema, writer)))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const payloads = indented(indented(members.map((member) => `\n${memberText(member)}`).join("")))
  const shared = [...writer.shared()].map(([name, text]) => `\nexport type ${name} = ${text}\n`)
  return `${HEAD}
declare module "event-broker" {
  interface EventPayloads {${payloads}
  }
}
${shared.length === 0 ? "\nexport {}\n" : shared.join("")}`
}

function keysOf({ type, name, version }: EventSchema, catalog: SchemaCatalog): readonly string[] {
  const event = `${type}/${name}`
  const versions = catalog.versionsOf(type, name)
  const ofVersion = versions.length === 1 ? [] : [`${event}@${version}`]
  return versions[0]?.version === version ? [event, ...ofVersion] : ofVersion
}

function memberOf(name: string, { path, schema }: EventSchema, writer: TypeWriter): Member {
  const { description, title } = isSchemaObject(schema) ? schema : {}
  const comment = [description, title].find((text) => typeof text === "string") ?? ""
  return { name, type: writer.payloadOf(path), isOptional: false, comment: String(comment) }
}

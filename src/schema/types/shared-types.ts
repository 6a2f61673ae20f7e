import { named, type TypeText } from "./type-text.ts"

interface SharedType {
  readonly name: string
  /** Null while it is written. */
  type: TypeText | null
  /** A wider type, which refers to no other. */
  readonly fallback: TypeText
  /** Keys of the shared types that it is the same as, or a union or an intersection of. */
  readonly consistsOf: Set<string>
}

/** A reference: its target, and its own place. */
interface Reference {
  readonly path: string
  readonly pointer: string
  /** Key of the shared type that the referring schema is a part of; null below a property or an item. */
  readonly within: string | null
  readonly write: () => TypeText
  /** A type that is wide enough and refers to no other. */
  readonly fallback: TypeText
}

/** Types that are needed without a name. */
const SHORT = /^(string|number|boolean|null|unknown|never)$/

/** The types of schemas that others refer to, each written once. A type may refer to itself. */
export class SharedTypes {
  readonly #types = new Map<string, SharedType>()

  /** Returns a type to refer to: its name, or a short one itself. */
  use(key: string, reference: Reference): TypeText {
    const { within } = reference
    if (within !== null) this.#types.get(within)?.consistsOf.add(key)
    const known = this.#types.get(key) ?? this.#add(key, reference)
    return known.type !== null && SHORT.test(known.type.text) ? known.type : named(known.name)
  }

  /** Returns the text of every type that has to be declared, by name. */
  all(): ReadonlyMap<string, string> {
    const declared = [...this.#types].filter(([, { type }]) => type === null || !SHORT.test(type.text))
    return new Map(
      declared.map(([key, { name, type, fallback }]) => [
        name,
        // TypeScript refuses a type that consists of itself.
        type === null || this.#consistsOfItself(key) ? fallback.text : type.text,
      ]),
    )
  }

  #add(key: string, { path, pointer, write, fallback }: Reference): SharedType {
    const wanted = nameOf(path, pointer)
    const taken = new Set([...this.#types.values()].map(({ name }) => name))
    let name = wanted
    for (let number = 2; taken.has(name); number++) name = `${wanted}${number}`
    const added: SharedType = { name, type: null, fallback, consistsOf: new Set() }
    this.#types.set(key, added)
    added.type = write()
    return added
  }

  #consistsOfItself(key: string): boolean {
    const found = new Set<string>()
    const open = [key]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const part of this.#types.get(next)?.consistsOf ?? []) {
        if (part === key) return true
        if (!found.has(part)) open.push(part)
        found.add(part)
      }
    }
    return false
  }
}

/** Returns a name such as `CommonCallId`, for `common/call-id.json`. */
function nameOf(path: string, pointer: string): string {
  const place = pointer.replaceAll(/\/(\$defs|definitions|properties)(?=\/)/g, "")
  const words = `${path.replace(/\.json$/, "")} ${place}`.split(/[^A-Za-z0-9]+/).filter((word) => word !== "")
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")
  return /^[A-Z]/.test(name) ? name : `Schema${name}`
}

import { Ajv2020, MissingRefError, type ValidateFunction } from "ajv/dist/2020.js"
import { suggest } from "../event/suggestion.ts"
import { FORMAT_NAMES, formatOf } from "./formats.ts"
import { addKeywords, COUNTED } from "./keywords.ts"
import { Pattern } from "./pattern/pattern.ts"
import { PatternError } from "./pattern/pattern-error.ts"
import { PayloadCheck } from "./payload-check.ts"
import { isStackOverflow, type PayloadJudge } from "./payload-faults.ts"
import {
  explainDialect,
  explainInvalid,
  explainMissingReference,
  explainUnknownKeyword,
} from "./schema-faults.ts"
import { isSchemaObject, mapSchemas, type SchemaObject, visitSchemas } from "./sub-schemas.ts"

/** Base address of the files for their references. Nothing is fetched from it. */
export const BASE = "schemas:///"

/** A value of each type. A schema that refers to itself endlessly does so for one of them. */
const SAMPLES: readonly unknown[] = [null, true, 0, "", [], {}]

/** Compiles schemas that refer to each other. Their checks take linear time for any payload. */
export class SchemaCompiler {
  readonly #patterns = new Map<string, Pattern>()
  readonly #formats = new Set<string>()
  readonly #schemas = new Map<string, unknown>()
  /** Stops at the first fault: quick for events without faults, and bounded for those with many. */
  readonly #first = this.#newAjv(false)
  readonly #all = this.#newAjv(true)

  /** @throws {Error} for a schema that is invalid or can't be checked in linear time; the message names the place */
  add(path: string, schema: unknown): void {
    visitSchemas(schema, (each, pointer) => this.#prepare(each, pointer))
    const counted = mapSchemas(schema, withCount)
    // JSON Schema allows true and false as a schema, but one that takes everything or nothing is a mistake here.
    if (!isSchemaObject(counted)) throw new Error("it is not a JSON object")
    const fault = explainDialect(counted)
    if (fault !== null) throw new Error(fault)
    if (!this.#first.validateSchema(counted)) {
      throw new Error(explainInvalid(this.#first.errors ?? [], counted))
    }
    for (const ajv of [this.#first, this.#all]) ajv.addSchema(counted, BASE + path, false, false)
    this.#schemas.set(path, schema)
  }

  /** Compiles a schema, once every schema that it may refer to is added. @throws {Error} */
  compile(path: string): PayloadJudge {
    const first = this.#explained(path, () => this.#validatorOf(this.#first, path))
    try {
      for (const sample of SAMPLES) first.call(new PayloadCheck(), sample)
    } catch (cause) {
      if (!isStackOverflow(cause)) throw cause
      throw new Error("it refers to itself endlessly", { cause })
    }
    return { first, all: () => this.#validatorOf(this.#all, path) }
  }

  /** Explains why a schema does not compile, with its place. */
  #explained<Result>(path: string, work: () => Result): Result {
    try {
      return work()
    } catch (cause) {
      if (cause instanceof MissingRefError) {
        throw new Error(explainMissingReference(cause.missingRef, this.#schemas, BASE), { cause })
      }
      const keywords = Object.keys(this.#first.RULES.keywords).filter((name) => name !== COUNTED)
      const unknown = explainUnknownKeyword(this.#schemas.get(path), keywords)
      throw unknown === null ? cause : new Error(unknown, { cause })
    }
  }

  #newAjv(allErrors: boolean): Ajv2020 {
    const regExp = Object.assign((source: string) => this.#patternOf(source), { code: "pattern" })
    const ajv = new Ajv2020({
      allErrors,
      strict: true,
      strictTypes: false,
      strictRequired: false,
      // The library matches names of properties by a RegExp that backtracks.
      allowMatchingProperties: true,
      passContext: true,
      code: { regExp },
    })
    addKeywords(ajv)
    return ajv
  }

  #validatorOf(ajv: Ajv2020, path: string): ValidateFunction {
    const validate = ajv.getSchema(BASE + path)
    if (validate === undefined) throw new Error("it was not added")
    return validate
  }

  /** Makes the patterns and formats of a schema early, so that their faults come with their place. */
  #prepare(schema: SchemaObject, pointer: string): void {
    const { pattern, patternProperties, format } = schema
    if (typeof pattern === "string") this.#check(pattern, `${pointer}/pattern`)
    if (isSchemaObject(patternProperties)) {
      for (const source of Object.keys(patternProperties)) this.#check(source, `${pointer}/patternProperties`)
    }
    if (typeof format === "string") this.#addFormat(format, `${pointer}/format`)
  }

  #check(source: string, pointer: string): void {
    try {
      this.#patternOf(source)
    } catch (cause) {
      if (!(cause instanceof PatternError)) throw cause
      throw new Error(
        `the pattern ${JSON.stringify(source)} at ${pointer} can't be matched: ${cause.message}`,
        { cause },
      )
    }
  }

  #patternOf(source: string): Pattern {
    const known = this.#patterns.get(source) ?? new Pattern(source)
    this.#patterns.set(source, known)
    return known
  }

  #addFormat(name: string, pointer: string): void {
    if (this.#formats.has(name)) return
    const format = formatOf(name)
    if (format === undefined) {
      const nearest = suggest(name, FORMAT_NAMES)
      const advice = nearest === null ? `there are ${FORMAT_NAMES.join(", ")}` : `did you mean ${nearest}?`
      throw new Error(`there is no format ${JSON.stringify(name)}, at ${pointer}; ${advice}`)
    }
    for (const ajv of [this.#first, this.#all]) ajv.addFormat(name, format)
    this.#formats.add(name)
  }
}

const withCount = (schema: SchemaObject): SchemaObject =>
  "$ref" in schema || "$dynamicRef" in schema ? { ...schema, [COUNTED]: true } : schema

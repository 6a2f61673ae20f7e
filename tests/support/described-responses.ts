import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import addFormats from "ajv-formats"

/** Responses of one kind that are checked: load tests see thousands of similar ones. */
const LOOKS = 100

interface Described {
  readonly content?: Readonly<Record<string, unknown>>
}

type Operations = Readonly<Record<string, { readonly responses: Readonly<Record<string, Described>> }>>

interface Document {
  readonly paths: Readonly<Record<string, Operations>>
}

/** Checks every response that a test receives against the OpenAPI document. */
class DescribedResponses {
  readonly #fetch: typeof fetch
  readonly #looks = new Map<string, number>()
  readonly #validators = new Map<string, ValidateFunction>()
  readonly #ajv = new Ajv2020({ strict: false })
  #document: Promise<Document> | null = null

  constructor(plainFetch: typeof fetch) {
    this.#fetch = plainFetch
    addFormats(this.#ajv)
  }

  /** @throws if the document does not describe the response. */
  async check(request: Request, response: Response): Promise<void> {
    const { origin, pathname } = new URL(request.url)
    // Only responses of the service have it.
    if (!response.headers.has("x-request-id")) return
    this.#document ??= this.#read(origin).catch((error: unknown) => {
      // A test may have killed this service. The next one is asked.
      this.#document = null
      throw error
    })
    const { paths } = await this.#document
    const method = request.method === "HEAD" ? "get" : request.method.toLowerCase()
    const path = Object.keys(paths).find(
      (template) => paths[template]?.[method] !== undefined && toPattern(template).test(pathname),
    )
    if (path === undefined) return
    const kind = `${method} ${path} ${response.status}`
    const looks = this.#looks.get(kind) ?? 0
    this.#looks.set(kind, looks + 1)
    if (looks < LOOKS) await this.#look(kind, [path, method], paths, response, request.method === "HEAD")
  }

  async #look(
    kind: string,
    [path, method]: readonly [string, string],
    paths: Document["paths"],
    response: Response,
    isHead: boolean,
  ): Promise<void> {
    const described = paths[path]?.[method]?.responses[response.status]
    if (described === undefined) throw new Error(`${kind} is not described`)
    const type = response.headers.get("content-type")?.split(";")[0] ?? "none"
    if (described.content?.[type] === undefined) throw new Error(`${kind} is not described as ${type}`)
    if (isHead || !type.endsWith("json") || type.endsWith("ndjson")) return
    const steps = ["paths", path, method, "responses", String(response.status), "content", type, "schema"]
    const validate = this.#validatorOf(steps)
    const body: unknown = await response.clone().json()
    if (validate(body)) return
    throw new Error(
      `${kind} is not as described: ${JSON.stringify(validate.errors)}\n${JSON.stringify(body)}`,
    )
  }

  #validatorOf(steps: readonly string[]): ValidateFunction {
    const pointer = steps.map((step) => step.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")
    const known = this.#validators.get(pointer)
    if (known !== undefined) return known
    const validate = this.#ajv.compile({ $ref: `openapi#/${encodeURI(pointer)}` })
    this.#validators.set(pointer, validate)
    return validate
  }

  /** The document is the same for every service. */
  async #read(origin: string): Promise<Document> {
    const response = await this.#fetch(`${origin}/openapi.json`)
    const document = (await response.json()) as Document
    this.#ajv.addSchema(document, "openapi")
    return document
  }
}

const toPattern = (template: string): RegExp =>
  new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+").replaceAll(".", "\\.")}$`)

const plainFetch = globalThis.fetch
const responses = new DescribedResponses(plainFetch)

const checkedFetch = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
  const response = await plainFetch(input, init)
  const method = init?.method ?? (input instanceof Request ? input.method : "GET")
  await responses.check(
    new Request(input instanceof Request ? input.url : String(input), { method }),
    response,
  )
  return response
}

globalThis.fetch = Object.assign(checkedFetch, { preconnect: plainFetch.preconnect })

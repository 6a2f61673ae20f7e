/** The values of a route's path parameters, percent-decoded. */
export class PathParameters {
  readonly #values: ReadonlyMap<string, string>

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values
  }

  /** Returns null if the route's path has no such parameter. */
  find(name: string): string | null {
    return this.#values.get(name) ?? null
  }

  /**
   * @throws {Error} if the route's path has no such parameter: a fault of the handler, not of the request.
   */
  get(name: string): string {
    const value = this.#values.get(name)
    if (value === undefined) throw new Error(`the route has no parameter ${name}`)
    return value
  }
}

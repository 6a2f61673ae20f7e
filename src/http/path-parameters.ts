/** The values of a route's path parameters, percent-decoded. */
export class PathParameters {
  readonly #values: ReadonlyMap<string, string>

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values
  }

  /** @throws {Error} for a name that the route's path does not have: a fault of the handler, not of the request. */
  get(name: string): string {
    const value = this.#values.get(name)
    if (value === undefined) throw new Error(`the route has no parameter ${name}`)
    return value
  }
}

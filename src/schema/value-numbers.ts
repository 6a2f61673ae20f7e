/**
 * Numbers JSON values, so that equal values have the same number, in any order of their fields. It looks at each value
 * once, however often and on however many levels it is asked for.
 */
export class ValueNumbers {
  #given = 0
  /** Numbers by value for texts, numbers and the like; by the numbers in them for lists and objects. */
  readonly #simple = new Map<unknown, number>()
  readonly #composed = new Map<string, number>()
  readonly #known = new Map<object, number>()

  of(value: unknown): number {
    if (typeof value !== "object" || value === null) return this.#numberIn(this.#simple, value)
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const number = this.#numberIn(this.#composed, this.#compose(value))
    this.#known.set(value, number)
    return number
  }

  #compose(value: object): string {
    if (Array.isArray(value)) return `[${value.map((item) => this.of(item)).join()}`
    let text = "{"
    for (const name of Object.keys(value).sort()) {
      text += `${this.#numberIn(this.#simple, name)}:${this.of(Reflect.get(value, name))},`
    }
    return text
  }

  #numberIn<Key>(numbers: Map<Key, number>, key: Key): number {
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, this.#given)
    return this.#given++
  }
}

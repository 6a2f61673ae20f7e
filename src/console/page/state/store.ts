import { useEffect, useState } from "preact/hooks"

/** A value that components follow. */
export class Store<Value> {
  #value: Value
  readonly #followers = new Set<(value: Value) => void>()

  constructor(value: Value) {
    this.#value = value
  }

  get value(): Value {
    return this.#value
  }

  set(value: Value): void {
    this.#value = value
    for (const follow of this.#followers) follow(value)
  }

  /** Calls back with each later value. Returns a function that ends it. */
  follow(callback: (value: Value) => void): () => void {
    this.#followers.add(callback)
    return () => void this.#followers.delete(callback)
  }
}

/** Returns the value of a store, and renders again when it changes. */
export function useStore<Value>(store: Store<Value>): Value {
  const [value, setValue] = useState(store.value)
  useEffect(() => {
    setValue(() => store.value)
    return store.follow((next) => setValue(() => next))
  }, [store])
  return value
}

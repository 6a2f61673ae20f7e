import { inNextTurn, NativePromise } from "../../system/intrinsics.ts"

/** A property that a handler module can set, after which promises of every module in its worker no longer settle. */
type BrokenThen = "Promise.prototype.then" | "Object.prototype.then"

/** `Promise.prototype.then` as it is before any handler module is loaded, with the promise as its first argument. */
const plainThen = Function.prototype.call.bind(Promise.prototype.then)

const objectPrototype: { readonly then?: unknown } & object = Object.prototype

/** The error of a worker in which promises no longer settle. */
export class BuiltInReplaced extends Error {
  override readonly name = "BuiltInReplaced"

  constructor(built: BrokenThen) {
    super(`${built} was replaced, and promises no longer settle`)
  }
}

/**
 * Notices that a handler module has replaced a `then` such that promises no longer settle. Functions of other modules then
 * never end, and the worker's own code can't tell that one has. A `then` that calls the original one is left alone.
 */
export class PromiseWatch {
  #promiseThen: unknown = Promise.prototype.then
  #objectThen: unknown = objectPrototype.then
  #checks = 0
  readonly #onBroken: (error: BuiltInReplaced) => void

  /** @param onBroken called in the turn of the event loop after the look that has found a change */
  constructor(onBroken: (error: BuiltInReplaced) => void) {
    this.#onBroken = onBroken
  }

  /** True from a look that has found a change until it is known whether promises still settle. */
  get isInDoubt(): boolean {
    return this.#checks > 0
  }

  /** Compares what can be replaced. Costs two reads, if nothing has changed since the last look. */
  look(): void {
    const promiseThen: unknown = Promise.prototype.then
    const objectThen = objectPrototype.then
    if (promiseThen === this.#promiseThen && objectThen === this.#objectThen) return
    this.#promiseThen = promiseThen
    this.#objectThen = objectThen
    void this.#check()
  }

  async #check(): Promise<void> {
    this.#checks++
    const broken = await findBrokenThen()
    this.#checks--
    if (broken !== null) this.#onBroken(new BuiltInReplaced(broken))
  }
}

/**
 * Tries out whether promises still settle. Never rejects. It resolves with plain text, and must be awaited: that works with
 * whatever has been replaced.
 */
export function findBrokenThen(): Promise<BrokenThen | null> {
  return new NativePromise((resolve) => {
    const works = { promiseThen: false, objectThen: false }
    const promiseThenWorks = (): void => {
      works.promiseThen = true
    }
    const objectThenWorks = (): void => {
      works.objectThen = true
    }
    try {
      new NativePromise<void>((done) => done()).then(promiseThenWorks, ignore)
    } catch {
      // It does not work.
    }
    plainThen(new NativePromise((done) => done({})), objectThenWorks, ignore)
    inNextTurn(() => {
      if (!works.promiseThen) resolve("Promise.prototype.then")
      else resolve(works.objectThen ? null : "Object.prototype.then")
    })
  })
}

const ignore = (): void => {}

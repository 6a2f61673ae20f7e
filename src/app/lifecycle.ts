interface Started {
  readonly name: string
  readonly stop: () => Promise<void> | void
}

/** Ends what has been started, the last part first, so that each part ends before those that it depends on. */
export class Lifecycle {
  readonly #onFault: (name: string, error: unknown) => void
  readonly #started: Started[] = []
  #stopping: Promise<void> | null = null

  /** @param onFault called with a part that could not be stopped */
  constructor(onFault: (name: string, error: unknown) => void) {
    this.#onFault = onFault
  }

  /** Notes how to stop a part that has just been started. */
  started(name: string, stop: () => Promise<void> | void): void {
    this.#started.push({ name, stop })
  }

  /** Stops every part. One that can't be stopped does not keep the others running. Further calls wait for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    for (let part = this.#started.pop(); part !== undefined; part = this.#started.pop()) {
      try {
        await part.stop()
      } catch (error) {
        this.#onFault(part.name, error)
      }
    }
  }
}

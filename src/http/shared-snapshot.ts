/** A text that is expensive to make, and that many clients ask for again and again. */
export class SharedSnapshot {
  readonly #make: () => Promise<string>
  readonly #maxAgeMs: number
  #made: { readonly text: Promise<string>; readonly at: number } | null = null

  /** @param maxAgeMs how long a text is shared after it was asked for, in milliseconds */
  constructor(make: () => Promise<string>, maxAgeMs: number) {
    this.#make = make
    this.#maxAgeMs = maxAgeMs
  }

  /** Returns the text. A failure is shared by those who wait for it, and forgotten. */
  text(): Promise<string> {
    const now = performance.now()
    if (this.#made !== null && now - this.#made.at < this.#maxAgeMs) return this.#made.text
    const text = this.#make()
    this.#made = { text, at: now }
    text.catch(() => {
      if (this.#made?.text === text) this.#made = null
    })
    return text
  }
}

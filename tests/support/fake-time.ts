import type { BootTime } from "../../src/engine/embedded/boot-time.ts"
import type { TimeSources } from "../../src/engine/embedded/store-clock.ts"

/** The clocks of a machine on which time passes when the test says so. Times are in milliseconds. */
export class FakeTime implements TimeSources {
  #wall = 1_700_000_000_000
  #monotonic = 5_000
  #sinceBoot = 60_000
  #boots = 1

  wall(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  boot(): BootTime | null {
    return { bootId: `boot ${this.#boots}`, sinceBootMs: this.#sinceBoot }
  }

  pass(ms: number): void {
    this.#wall += ms
    this.#monotonic += ms
    this.#sinceBoot += ms
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#wall += ms
  }

  suspend(ms: number): void {
    this.#wall += ms
    this.#sinceBoot += ms
  }

  /** The machine was off for a while. */
  reboot(offMs: number): void {
    this.#boots++
    this.#wall += offMs
    this.#sinceBoot = 1_000
    this.#monotonic = 10
  }
}

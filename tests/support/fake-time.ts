import type { BootTime } from "../../src/engine/embedded/store/boot-time.ts"
import type { TimeSources } from "../../src/engine/embedded/store/store-clock.ts"

/** The clocks of a machine whose time passes only when the test says so. Times are in milliseconds. */
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

  /** Sets the wall clock forward or back. */
  jump(ms: number): void {
    this.#wall += ms
  }

  suspend(ms: number): void {
    this.#wall += ms
    this.#sinceBoot += ms
  }

  /** Turns the machine off for a while. */
  reboot(offMs: number): void {
    this.#boots++
    this.#wall += offMs
    this.#sinceBoot = 1_000
    this.#monotonic = 10
  }
}

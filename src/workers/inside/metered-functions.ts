import { OwnMap } from "../../system/intrinsics.ts"
import type { CpuMeter, MeteredFunction } from "./cpu-meter.ts"

/** The records of CPU time of the modules' functions. A joined key would be a new string for every call. */
export class MeteredFunctions {
  readonly #cpu: CpuMeter
  readonly #byModule = new OwnMap<number, OwnMap<string, MeteredFunction>>()

  constructor(cpu: CpuMeter) {
    this.#cpu = cpu
  }

  /** @param module index of the module  @param handler key of the function in its `on` */
  of(module: number, handler: string): MeteredFunction {
    let functions = this.#byModule.get(module)
    if (functions === undefined) {
      functions = new OwnMap()
      this.#byModule.set(module, functions)
    }
    let metered = functions.get(handler)
    if (metered === undefined) {
      metered = this.#cpu.newFunction()
      functions.set(handler, metered)
    }
    return metered
  }
}

import { join } from "node:path"

/** Starts a script of this folder as a process. */
export const start = (script: string, args: readonly string[]) =>
  Bun.spawn([process.execPath, join(import.meta.dir, script), ...args], { stdout: "pipe" })

/** Runs a script of this folder that prints one number, a rate or a count. */
export async function run(script: string, args: readonly string[]): Promise<number> {
  const child = start(script, args)
  const printed = Number(await child.stdout.text())
  if ((await child.exited) !== 0 || !(printed > 0)) throw new Error(`${script} ${args.join(" ")} failed`)
  return printed
}

/** Throughput of the service in one measurement. */
export interface Throughput {
  /** Events per second. */
  readonly rate: number
  /** CPU time of the service per event, in microseconds. */
  readonly cpuUs: number
}

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0

/** Prints one line: the measurement, the limit, the service, and their ratio. */
export function print(label: string, limit: number, broker: number): void {
  const ratio = (broker / limit).toFixed(2)
  console.log(
    `${label.padEnd(30)} ${String(limit).padStart(8)} ${String(broker).padStart(8)} ${ratio.padStart(6)}`,
  )
}

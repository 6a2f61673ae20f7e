import { median, type Throughput } from "./measure.ts"

/** Least ratio of the rates, after to before. */
const TARGET = 0.95

type Measure = () => Promise<Throughput>

interface Pair {
  readonly before: Measure
  readonly after: Measure
}

/** Opens the services for a round. */
export type OpenPair = () => Promise<Pair & AsyncDisposable>

/** The same services for all rounds. */
export const lasting =
  (pair: Pair): OpenPair =>
  async () => ({ ...pair, [Symbol.asyncDispose]: async () => {} })

/**
 * Compares two services in rounds of four measurements, A B B A: the first and the last find another machine than those
 * between. Prints each round and the median ratios.
 */
export async function comparePaired(
  what: string,
  open: OpenPair,
  count: number,
  target = TARGET,
): Promise<void> {
  console.log(
    `\n${what}:\nround            events per second, before and after   CPU us per event, before and after`,
  )
  const rates: number[] = []
  const costs: number[] = []
  for (let round = 1; round <= count; round++) {
    await using services = await open()
    const { before, after } = services
    const isAfterFirst = round % 2 === 0
    const [first, second] = isAfterFirst ? [after, before] : [before, after]
    const outer = [await first()]
    const inner = [await second(), await second()]
    outer.push(await first())
    const [old, now] = isAfterFirst ? [mean(inner), mean(outer)] : [mean(outer), mean(inner)]
    rates.push(now.rate / old.rate)
    costs.push(now.cpuUs / old.cpuUs)
    console.log(
      `${`round ${round}`.padEnd(30)} ${columns(old.rate, now.rate, 0)}         ${columns(old.cpuUs, now.cpuUs, 1)}`,
    )
  }
  console.log(
    `median ratios: rate ${median(rates).toFixed(2)} (target: ${target}), CPU ${median(costs).toFixed(2)}`,
  )
}

/** Both measurements of a round count alike. */
function mean(measured: readonly Throughput[]): Throughput {
  const average = (of: (each: Throughput) => number) =>
    measured.reduce((sum, each) => sum + of(each), 0) / measured.length
  return { rate: average(({ rate }) => rate), cpuUs: average(({ cpuUs }) => cpuUs) }
}

const columns = (before: number, after: number, digits: number): string =>
  [before.toFixed(digits), after.toFixed(digits), (after / before).toFixed(2)]
    .map((text) => text.padStart(8))
    .join("")

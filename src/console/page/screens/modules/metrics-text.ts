/** Metrics of a handler function since the service started. */
export interface FunctionMetrics {
  readonly queue: string
  readonly handler: string
  readonly calls: number
  readonly failures: number
  /** In seconds: the upper bound of the bucket that holds the quantile; infinite above the largest one. */
  readonly p50: number
  readonly p99: number
  readonly cpuSeconds: number | null
}

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

function* samplesOf(text: string): Generator<Sample> {
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = SAMPLE.exec(line) ?? []
    if (name === undefined) continue
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", each = ""]) => [key, each])
    yield { name, labels: Object.fromEntries(pairs), value: Number(value) }
  }
}

interface Tally {
  calls: number
  failures: number
  cpuSeconds: number | null
  /** Calls up to each bound. */
  readonly buckets: Map<number, number>
}

const DURATION = "event_broker_handler_duration_seconds"
const CPU = "event_broker_handler_cpu_seconds_total"

/** Reads the metrics of handler functions from Prometheus' text format, by queue and function. */
export function functionMetrics(text: string): readonly FunctionMetrics[] {
  const tallies = new Map<string, Tally>()
  for (const { name, labels, value } of samplesOf(text)) {
    if (!name.startsWith(DURATION) && name !== CPU) continue
    const key = `${labels["queue"]}\n${labels["handler"]}`
    const tally = tallies.get(key) ?? { calls: 0, failures: 0, cpuSeconds: null, buckets: new Map() }
    tallies.set(key, tally)
    if (name === CPU) tally.cpuSeconds = value
    if (name === `${DURATION}_count`) {
      tally.calls += value
      if (labels["outcome"] !== "done") tally.failures += value
    }
    if (name === `${DURATION}_bucket`) {
      const bound = labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels["le"])
      tally.buckets.set(bound, (tally.buckets.get(bound) ?? 0) + value)
    }
  }
  return [...tallies].map(([key, { calls, failures, cpuSeconds, buckets }]) => {
    const [queue = "", handler = ""] = key.split("\n")
    return {
      queue,
      handler,
      calls,
      failures,
      cpuSeconds,
      p50: quantile(buckets, 0.5),
      p99: quantile(buckets, 0.99),
    }
  })
}

/** Returns the bound of the bucket that holds a quantile; 0 without calls. */
function quantile(buckets: ReadonlyMap<number, number>, share: number): number {
  const bounds = [...buckets].toSorted(([a], [b]) => a - b)
  const total = bounds.at(-1)?.[1] ?? 0
  if (total === 0) return 0
  return bounds.find(([, count]) => count >= total * share)?.[0] ?? Number.POSITIVE_INFINITY
}

/** Returns the value of a metric without labels; null if the service does not have it. */
export function metricOf(text: string, metric: string): number | null {
  for (const { name, value } of samplesOf(text)) if (name === metric) return value
  return null
}

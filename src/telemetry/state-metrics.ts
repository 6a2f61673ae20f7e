import { Counter, Gauge, type Registry } from "prom-client"

/** What every name begins with, save for those of the process, which Prometheus names itself. */
export const METRIC_PREFIX = "event_broker_"

/** How many there are of what there should be. */
export interface Census {
  readonly present: number
  readonly expected: number
}

/** How full a queue is. */
export interface QueueDepth {
  readonly name: string
  readonly messageCount: number
  readonly deadLetterCount: number
  readonly consumerCount: number
}

/** What the service is like at a moment, as far as its metrics tell. */
export interface ServiceState {
  readonly version: string
  readonly engine: string
  readonly isEngineUp: () => boolean
  /** Whether the engine refuses publishes for want of memory or disk. */
  readonly isBlocked: () => boolean
  /** Publishes that wait for their confirm. */
  readonly publishesInFlight: () => number
  /** Bytes of the bodies of requests that are not answered. */
  readonly bufferedBytes: () => number
  /** Whether the keys' file can be used as it is now; null if the service has no keys. */
  readonly isKeysFileGood: (() => boolean) | null
  /** Who looks at the live stream. */
  readonly liveClients: () => number
  /** Deliveries that are not settled. */
  readonly deliveriesInFlight: () => number
  /** Deliveries that the broker did not let be settled yet; null if there is no broker. */
  readonly deliveriesHeld: (() => number) | null
  /** Whether no connections are accepted, for want of file descriptors. */
  readonly areDescriptorsExhausted: () => boolean
  /** Log lines dropped since the start, of the service and of its handlers. */
  readonly droppedLogLines: () => number
  readonly workers: () => Census
  readonly consumers: () => Census
  /** Queues that receive events and have neither a handler module nor a consumer. */
  readonly orphanedQueues: () => number
  /** Asks the engine. */
  readonly queues: () => Promise<readonly QueueDepth[]>
}

/** How long a scrape waits for the depths of the queues, in milliseconds; then it goes without them. */
const DEPTHS_TIMEOUT_MS = 2_000

/** What is told of each queue, by the metric's name. */
const QUEUE_GAUGES = {
  queue_messages: ["Events that wait to be delivered.", (queue: QueueDepth) => queue.messageCount],
  queue_dead_letters: ["Dead letters.", (queue: QueueDepth) => queue.deadLetterCount],
  queue_consumers: ["Consumers, of all instances.", (queue: QueueDepth) => queue.consumerCount],
} as const

/** Metrics that are read off the service when they are asked for. */
export function stateMetrics(registry: Registry, state: ServiceState): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({
      name: METRIC_PREFIX + name,
      help,
      registers,
      collect: () => metric.set(read()),
    })
  }
  const build = new Gauge({
    name: `${METRIC_PREFIX}build_info`,
    help: "Which version runs, on which engine; always 1.",
    labelNames: ["version", "engine"],
    registers,
  })
  build.set({ version: state.version, engine: state.engine }, 1)
  gauge("engine_up", "Whether the engine takes events.", () => Number(state.isEngineUp()))
  gauge("publishers_blocked", "Whether publishes are refused for want of memory or disk.", () =>
    Number(state.isBlocked()),
  )
  gauge("publishes_in_flight", "Publishes that wait for their confirm.", state.publishesInFlight)
  gauge("buffered_bytes", "Bytes of the bodies of requests in flight.", state.bufferedBytes)
  const { isKeysFileGood } = state
  if (isKeysFileGood !== null) {
    const help =
      "Whether the file of API_KEYS_FILE can be used as it is; if not, the last good keys stay in force."
    gauge("keys_file_ok", help, () => Number(isKeysFileGood()))
  }
  gauge("live_clients", "Clients of the live stream.", state.liveClients)
  gauge("deliveries_in_flight", "Deliveries that are not settled.", state.deliveriesInFlight)
  const { deliveriesHeld } = state
  if (deliveriesHeld !== null) {
    const help =
      "Deliveries whose retry or dead letter RabbitMQ did not take yet; they are stored again later."
    gauge("deliveries_held", help, deliveriesHeld)
  }
  gauge("workers_ready", "Workers that take events.", () => state.workers().present)
  gauge("workers_expected", "Workers that there should be.", () => state.workers().expected)
  gauge("queues_consumed", "Queues that this instance consumes.", () => state.consumers().present)
  gauge("queues_expected", "Queues that it should consume.", () => state.consumers().expected)
  gauge(
    "queues_orphaned",
    "Queues that receive events and that nothing consumes, because their handler module is gone.",
    state.orphanedQueues,
  )
  gauge(
    "descriptors_exhausted",
    "Whether no connections are accepted, because no file descriptors are left.",
    () => Number(state.areDescriptorsExhausted()),
  )
  const dropped = new Counter({
    name: `${METRIC_PREFIX}log_lines_dropped_total`,
    help: "Log lines dropped because nobody read standard output, or because handlers wrote too many.",
    registers,
    collect() {
      dropped.reset()
      dropped.inc(state.droppedLogLines())
    },
  })

  const depths = sharedWhileRunning(() => withinTime(state.queues()))
  for (const [name, [help, read]] of Object.entries(QUEUE_GAUGES)) {
    const metric = new Gauge({
      name: METRIC_PREFIX + name,
      help,
      labelNames: ["queue"],
      registers,
      async collect() {
        const queues = await depths()
        metric.reset()
        for (const queue of queues) metric.set({ queue: queue.name }, read(queue))
      },
    })
  }
}

/** Nothing rather than an old number, where the engine does not tell. */
async function withinTime(asked: Promise<readonly QueueDepth[]>): Promise<readonly QueueDepth[]> {
  const { promise: tooLate, resolve } = Promise.withResolvers<readonly QueueDepth[]>()
  const timer = setTimeout(() => resolve([]), DEPTHS_TIMEOUT_MS)
  try {
    return await Promise.race([asked, tooLate])
  } catch {
    // The engine is away, as its own metric says.
    return []
  } finally {
    clearTimeout(timer)
  }
}

/** Who asks while another waits for the answer gets the same. */
function sharedWhileRunning<Result>(ask: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | null = null
  return () => {
    running ??= ask().finally(() => {
      running = null
    })
    return running
  }
}

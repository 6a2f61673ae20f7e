import { Counter, Gauge, type Registry } from "prom-client"

/** Prefix of every name, except those of the process, which Prometheus defines. */
export const METRIC_PREFIX = "event_broker_"

/** How many there are, and how many there should be. */
export interface Headcount {
  readonly present: number
  readonly expected: number
}

/**
 * The events of a queue, each in one of `waiting`, `running`, `retrying` and `dead`. Of the events that consumers have
 * taken, an instance knows only its own.
 */
export interface QueueCounts {
  /** Events in the queue, and events that this instance has taken and no worker runs yet. */
  readonly waiting: number
  /** Events that workers of this instance have, or whose outcome is not stored yet. */
  readonly running: number
  /** Events that wait for their next attempt; null if unknown. */
  readonly retrying: number | null
  readonly dead: number
  /** How long the oldest event of the queue has been in it, in seconds; 0 if it is empty, null if unknown. */
  readonly oldestWaitingAge: number | null
}

/** A queue in numbers. */
export interface QueueDepth {
  readonly name: string
  /** Events in the queue. */
  readonly messageCount: number
  readonly counts: QueueCounts
  readonly consumerCount: number
  /** How many events may wait. */
  readonly maxLength: number
}

/** State of the service at a moment, as its metrics show it. */
export interface ServiceState {
  readonly version: string
  readonly engine: string
  readonly isEngineUp: () => boolean
  /** True while the engine refuses publishes because it lacks memory or disk space. */
  readonly isBlocked: () => boolean
  /** Publishes that wait for their confirm. */
  readonly publishesInFlight: () => number
  /** Bytes of request bodies in flight. */
  readonly bufferedBytes: () => number
  /** True if the keys file is usable as it is now; null if the service has no keys. */
  readonly isKeysFileGood: (() => boolean) | null
  /** How the history is; null if none is kept. */
  readonly history: (() => { readonly failure: string | null; readonly dropped: number }) | null
  /** Clients of the live stream. */
  readonly liveClients: () => number
  /** Deliveries that are not settled. */
  readonly deliveriesInFlight: () => number
  /** Deliveries that the broker has not let the service settle yet; null if there is no broker. */
  readonly deliveriesHeld: (() => number) | null
  /** True while no connections are accepted because no file descriptors are left. */
  readonly areDescriptorsExhausted: () => boolean
  /** Log lines dropped since the start, of the service and of its handlers. */
  readonly droppedLogLines: () => number
  readonly workers: () => Headcount
  /** The generation of the handler modules in use. */
  readonly generation: () => string
  /** Workers that wait to be started again. */
  readonly workersWaiting: () => number
  readonly consumers: () => Headcount
  /** Queues that receive events and have neither a handler module nor a consumer. */
  readonly orphanedQueues: () => number
  /** Asks the engine. */
  readonly queues: () => Promise<readonly QueueDepth[]>
}

/** How long a scrape waits for the depths of the queues, in milliseconds. Then it leaves them out. */
const DEPTHS_TIMEOUT_MS = 2_000

type QueueGauge = readonly [help: string, read: (queue: QueueDepth) => number | null]

/** Gauges of each queue, by the name of the metric. A number that is unknown is left out. */
const QUEUE_GAUGES: Readonly<Record<string, QueueGauge>> = {
  queue_messages: ["Events in the queue: nothing has taken them.", ({ messageCount }) => messageCount],
  queue_waiting: [
    "Events in the queue, and events that this instance has taken and no worker runs yet.",
    ({ counts }) => counts.waiting,
  ],
  queue_running: [
    "Events that workers of this instance have, or whose outcome is not stored yet.",
    ({ counts }) => counts.running,
  ],
  queue_retrying: ["Events that wait for their next attempt.", ({ counts }) => counts.retrying],
  queue_oldest_waiting_age_seconds: [
    "Age of the oldest event in the queue; 0 if there is none.",
    ({ counts }) => counts.oldestWaitingAge,
  ],
  queue_dead_letters: ["Dead letters.", ({ counts }) => counts.dead],
  queue_max_length: ["Events that may be in the queue.", ({ maxLength }) => maxLength],
  queue_consumers: ["Consumers, of all instances.", ({ consumerCount }) => consumerCount],
}

/** Adds metrics that are read from the service at each scrape. */
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
    help: "Version and engine of the service; always 1.",
    labelNames: ["version", "engine"],
    registers,
  })
  build.set({ version: state.version, engine: state.engine }, 1)
  gauge("engine_up", "1 if the engine takes events, otherwise 0.", () => Number(state.isEngineUp()))
  gauge(
    "publishers_blocked",
    "1 while publishes are refused because the engine lacks memory or disk space, otherwise 0.",
    () => Number(state.isBlocked()),
  )
  gauge("publishes_in_flight", "Publishes that wait for their confirm.", state.publishesInFlight)
  gauge("buffered_bytes", "Bytes of request bodies in flight.", state.bufferedBytes)
  const { isKeysFileGood } = state
  if (isKeysFileGood !== null) {
    const help = "1 if the file of API_KEYS_FILE is usable, otherwise 0: the last good keys stay in force."
    gauge("keys_file_ok", help, () => Number(isKeysFileGood()))
  }
  const { history } = state
  if (history !== null) {
    gauge("history_ok", "1 if the history is stored, otherwise 0.", () => Number(history().failure === null))
    gauge("history_dropped", "Facts that the history has lost since the start.", () => history().dropped)
  }
  gauge("live_clients", "Clients of the live stream.", state.liveClients)
  gauge("deliveries_in_flight", "Deliveries that are not settled.", state.deliveriesInFlight)
  const { deliveriesHeld } = state
  if (deliveriesHeld !== null) {
    const help =
      "Deliveries whose retry or dead letter RabbitMQ has not accepted yet; the service tries again."
    gauge("deliveries_held", help, deliveriesHeld)
  }
  gauge("workers_ready", "Workers that take events.", () => state.workers().present)
  gauge(
    "workers_waiting",
    "Workers that wait to be started again, because the last ones ended soon after their start.",
    state.workersWaiting,
  )
  gauge("workers_expected", "Workers that should be ready.", () => state.workers().expected)
  const modules: Gauge<"generation"> = new Gauge({
    name: `${METRIC_PREFIX}modules_info`,
    help: "Generation of the handler modules in use; always 1.",
    labelNames: ["generation"],
    registers,
    collect() {
      modules.reset()
      modules.set({ generation: state.generation() }, 1)
    },
  })
  gauge("queues_consumed", "Queues that this instance consumes.", () => state.consumers().present)
  gauge("queues_expected", "Queues that this instance should consume.", () => state.consumers().expected)
  gauge(
    "queues_orphaned",
    "Queues that receive events and that nothing consumes, because their handler module is gone.",
    state.orphanedQueues,
  )
  gauge(
    "descriptors_exhausted",
    "1 while no connections are accepted because no file descriptors are left, otherwise 0.",
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
        for (const queue of queues) {
          const value = read(queue)
          if (value !== null) metric.set({ queue: queue.name }, value)
        }
      },
    })
  }
}

/** Resolves with no queues if the engine does not answer in time: no number is better than an old one. */
async function withinTime(asked: Promise<readonly QueueDepth[]>): Promise<readonly QueueDepth[]> {
  const { promise: tooLate, resolve } = Promise.withResolvers<readonly QueueDepth[]>()
  const timer = setTimeout(() => resolve([]), DEPTHS_TIMEOUT_MS)
  try {
    return await Promise.race([asked, tooLate])
  } catch {
    // The engine is down, as its own metric says.
    return []
  } finally {
    clearTimeout(timer)
  }
}

/** Shares one running call between all callers. */
function sharedWhileRunning<Result>(ask: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | null = null
  return () => {
    running ??= ask().finally(() => {
      running = null
    })
    return running
  }
}

import type { Command } from "commander"
import { ageText } from "./age-text.ts"
import { helperOf } from "./help-width.ts"
import { print, printJson, printJsonLine } from "./output.ts"
import { addQueueChanges } from "./queue-changes.ts"
import { type QueueFigures, stateOf } from "./queue-state.ts"
import { askingService, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { shown, table, verbatim } from "./shown.ts"

/** Time between two looks, in milliseconds. The rate is the number of events handled in between. */
const WATCH_INTERVAL_MS = 1_000
const SINGLE_INTERVAL_MS = 500

/** With the names of the predefined queues and any single state, a row has at most 100 columns. */
const COLUMNS = ["queue", "waiting", "oldest", "running", "retrying", "dead", "done/s", "consumers", "state"]

const UNKNOWN = "?"

const CLEAR = verbatim("\x1b[2J\x1b[H")

/** A queue of `/api/v1/queues`. */
interface QueueAnswer extends QueueFigures {
  readonly name: string
  readonly bindings: readonly string[]
  /** Absent from a service of an earlier version. */
  readonly running?: number
  readonly retrying?: number | null
  readonly oldest_waiting_age?: number | null
  readonly dead_letters: number
}

/** A queue as `--json` prints it, with names like those of `/api/v1/events/stats`. */
interface QueueStat {
  readonly queue_name: string
  readonly message_count: number
  readonly waiting_count: number
  readonly running_count: number
  /** Null if unknown. */
  readonly retrying_count: number | null
  /** In seconds; 0 if the queue is empty, null if unknown. */
  readonly oldest_waiting_age: number | null
  readonly max_length: number
  readonly consumer_count: number
  readonly routing_key: string
  readonly dead_letter_count: number
  readonly is_paused: boolean
  readonly is_busy: boolean
  readonly is_orphaned: boolean
  readonly state: string
}

interface QueueRow extends QueueStat {
  /** Deliveries per second that this instance has finished. */
  readonly rate: number
}

export function addQueues(program: Command): void {
  const group = program.command("queues").description("look at queues, pause, purge or delete them")
  const list = group
    .command("list", { isDefault: true })
    .description("show the events of every queue by state, its rate, consumers and state (the default)")
    .option("--watch", "repeat every second until interrupted")
  addQueueChanges(group)
  group.addHelpText("after", () => optionsHelp(list))
  askingService(list).action(async (options: ServiceOptions & { readonly watch?: boolean }) => {
    const client = new ServiceClient(options)
    const intervalMs = options.watch ? WATCH_INTERVAL_MS : SINGLE_INTERVAL_MS
    let before = await handledCounts(client)
    do {
      await Bun.sleep(intervalMs)
      const [{ queues }, counts] = await Promise.all([
        client.ask<{ readonly queues: readonly QueueAnswer[] }>("/api/v1/queues"),
        handledCounts(client),
      ])
      const rows = queues.map(toStat).map((stat) => {
        const handled = (counts.get(stat.queue_name) ?? 0) - (before.get(stat.queue_name) ?? 0)
        return { ...stat, rate: Math.round((handled * 1_000) / intervalMs) }
      })
      before = counts
      show(rows, options)
    } while (options.watch)
  })
}

/** Lists the options of the default command, which can be given without its name. */
function optionsHelp(command: Command): string {
  const helper = helperOf(command)
  const options = helper.visibleOptions(command)
  const termWidth = Math.max(...options.map((option) => helper.optionTerm(option).length))
  const items = options.map((option) =>
    helper.formatItem(helper.optionTerm(option), termWidth, helper.optionDescription(option), helper),
  )
  return ["", "Options without a command, and of list:", ...items].join("\n")
}

const toStat = (queue: QueueAnswer): QueueStat => ({
  queue_name: queue.name,
  message_count: queue.queued ?? queue.waiting,
  waiting_count: queue.waiting,
  running_count: queue.running ?? 0,
  retrying_count: queue.retrying ?? null,
  oldest_waiting_age: queue.oldest_waiting_age ?? null,
  max_length: queue.max_length,
  consumer_count: queue.consumers,
  routing_key: queue.bindings.join(","),
  dead_letter_count: queue.dead_letters,
  is_paused: queue.is_paused,
  is_busy: queue.is_busy,
  is_orphaned: queue.is_orphaned,
  state: stateOf(queue),
})

function show(
  rows: readonly QueueRow[],
  { json, watch }: ServiceOptions & { readonly watch?: boolean },
): void {
  if (json) {
    if (watch) printJsonLine(rows)
    else printJson(rows)
    return
  }
  const cells = rows.map((row) => [
    row.queue_name,
    row.waiting_count,
    ageText(row.oldest_waiting_age),
    row.running_count,
    row.retrying_count ?? UNKNOWN,
    row.dead_letter_count,
    row.rate,
    row.consumer_count,
    row.state,
  ])
  const text = table(COLUMNS, cells)
  print(watch && process.stdout.isTTY ? shown`${CLEAR}${text}` : text)
}

/** Returns how many deliveries this instance has finished, by queue, from its metrics. */
async function handledCounts(client: ServiceClient): Promise<ReadonlyMap<string, number>> {
  const text = await (await client.send("/metrics")).text()
  const counts = new Map<string, number>()
  for (const [, queue = "", count] of text.matchAll(
    /^event_broker_deliveries_total\{queue="([^"]+)",[^}]*\} (\d+)/gm,
  )) {
    counts.set(queue, (counts.get(queue) ?? 0) + Number(count))
  }
  return counts
}

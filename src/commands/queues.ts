import type { Command } from "commander"
import { print, printJson, printJsonLine } from "./output.ts"
import { addQueueChanges } from "./queue-changes.ts"
import { askingService, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { shown, table, verbatim } from "./shown.ts"

/** Time between two looks, in milliseconds. The rate is the number of events handled in between. */
const WATCH_INTERVAL_MS = 1_000
const SINGLE_INTERVAL_MS = 500

const CLEAR = verbatim("\x1b[2J\x1b[H")

/** A queue as the service describes it. */
interface Queue {
  readonly name: string
  readonly waiting: number
  readonly max_length: number
  readonly consumers: number
  readonly dead_letters: number
  readonly has_module: boolean
  readonly is_paused: boolean
  readonly is_orphaned: boolean
}

interface QueueRow extends Queue {
  /** Deliveries per second that this instance has finished. */
  readonly rate: number
}

export function addQueues(program: Command): void {
  const group = program.command("queues").description("list, pause, purge or delete queues")
  const list = group
    .command("list", { isDefault: true })
    .description("show depth, rate and consumers of every queue (the default)")
    .option("--watch", "repeat every second until interrupted")
  addQueueChanges(group)
  askingService(list).action(async (options: ServiceOptions & { readonly watch?: boolean }) => {
    const client = new ServiceClient(options)
    const intervalMs = options.watch ? WATCH_INTERVAL_MS : SINGLE_INTERVAL_MS
    let before = await handledCounts(client)
    do {
      await Bun.sleep(intervalMs)
      const [{ queues }, counts] = await Promise.all([
        client.ask<{ readonly queues: readonly Queue[] }>("/api/v1/queues"),
        handledCounts(client),
      ])
      const rows = queues.map((queue) => {
        const handled = (counts.get(queue.name) ?? 0) - (before.get(queue.name) ?? 0)
        return { ...queue, rate: Math.round((handled * 1_000) / intervalMs) }
      })
      before = counts
      show(rows, options)
    } while (options.watch)
  })
}

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
    row.name,
    row.waiting,
    row.rate,
    row.consumers,
    row.dead_letters,
    stateOf(row),
  ])
  const text = table(["queue", "waiting", "handled/s", "consumers", "dead letters", "state"], cells)
  print(watch && process.stdout.isTTY ? shown`${CLEAR}${text}` : text)
}

/** The states that an operator has to know of, in words. */
function stateOf({ waiting, max_length, consumers, has_module, is_paused, is_orphaned }: Queue): string {
  const isUnhandled = !has_module && consumers === 0 && waiting > 0
  const consumption = is_orphaned ? ["orphaned"] : is_paused ? ["paused"] : isUnhandled ? ["no module"] : []
  return [...(waiting >= max_length ? ["full"] : []), ...consumption].join(", ")
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

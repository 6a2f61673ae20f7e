/**
 * A bounded soak of the compiled service: handlers that succeed, throw, hang, spin and exit, random
 * priorities and ordering keys, a kill of the service or its broker every 20 s, and on RabbitMQ another
 * program. Arguments: seconds (300), engine (both). Exits with 1 if a check fails.
 */
import { isReady } from "../tests/support/counting-service.ts"
import { atRest } from "../tests/support/rabbitmq/held.ts"
import { type RunningService, ServiceFolder } from "../tests/support/running-service.ts"
import { waitUntil } from "../tests/support/wait-until.ts"
import { DeadLetters } from "./dead-letters.ts"
import { FatedLoad } from "./fated-load.ts"
import { writeHandler } from "./handler.ts"
import { LastRetries } from "./last-retries.ts"
import { MemoryPeaks } from "./memory.ts"
import { openPlace, type Place } from "./place.ts"
import {
  asAtTheStart,
  type Done,
  endsWhenTold,
  everyEventEnded,
  everyForeignMessageEnded,
  keysInOrder,
  memoryIsFlat,
  noRequestHung,
  type Verdict,
} from "./verdicts.ts"

const [seconds = "300", engine = ""] = process.argv.slice(2)

const QUEUE = "custom_events"
const KILL_EVERY_MS = 20_000
const KEYS = 20
const OTHERS = 10
const READY_WITHIN_MS = 60_000

/**
 * Time without progress after which remaining events count as lost. RabbitMQ offers a retry that came due on
 * a full queue again after three to six minutes: every three minutes it looks for those that were refused
 * three minutes before. Source: rabbit_fifo_dlx_worker.erl, `redeliver_messages`.
 */
const STALLED_AFTER_MS = 400_000
const LOOK_AGAIN_MS = 500

/** Share of the service's stops that are clean. */
const IN_ORDER = 0.25

async function workers(service: RunningService): Promise<string> {
  const { body } = await service.get("/health")
  return (body as { readonly checks: { readonly pool: { readonly detail: string } } }).checks.pool.detail
}

function journalOf(folder: ServiceFolder): readonly Done[] {
  return folder.journalLines().map((line) => {
    const [id = "", key = "", n] = line.split(" ")
    return { id, key, n: Number(n) }
  })
}

const idsOf = (journal: readonly Done[]): ReadonlySet<string> => new Set(journal.map(({ id }) => id))

async function soak(place: Place): Promise<boolean> {
  await using folder = new ServiceFolder()
  writeHandler(folder)
  let service = await folder.start({ ...place.variables, LOG_LEVEL: "INFO" })
  const ready = () => waitUntil(() => isReady(service), "the service to be ready", READY_WITHIN_MS)
  await ready()
  await Bun.sleep(place.settlingMs)
  const heldBefore = await atRest(() => place.held())
  const workersBefore = await workers(service)
  const kills = new Map<string, number>()
  const killed = (what: string) => kills.set(what, (kills.get(what) ?? 0) + 1)
  let ownEnds = 0
  const retries = new LastRetries()
  const restart = async (): Promise<void> => {
    if (!service.isAlive) ownEnds++
    const before = service
    const signal = Math.random() < IN_ORDER ? "SIGTERM" : "SIGKILL"
    service.signal(signal)
    await service.exited()
    killed(`service by ${signal}`)
    retries.collect(before)
    service = await folder.start({ ...place.variables, LOG_LEVEL: "INFO" })
  }

  using memory = new MemoryPeaks(() => service.pid)
  const other = place.otherProgram?.(QUEUE) ?? null
  const load = new FatedLoad(() => service.url, KEYS, OTHERS)
  const endsAt = performance.now() + Number(seconds) * 1_000
  for (let round = 0; performance.now() + KILL_EVERY_MS < endsAt; round++) {
    await Bun.sleep(KILL_EVERY_MS)
    if (place.kill !== null && round % 2 === 0) {
      await place.kill()
      killed("broker by SIGKILL")
    } else await restart()
  }
  await Bun.sleep(Math.max(0, endsAt - performance.now()))
  await other?.stop()
  await ready()
  await load.stop()
  // After it, dead letters are listed again and again, which takes other memory than the load.
  memory.stop()

  const dead = new DeadLetters(() => service.url, QUEUE)
  const leftOver = async (): Promise<number> => {
    await dead.collect()
    const foreign = other?.published.difference(dead.foreignIds).size ?? 0
    return load.answered.difference(idsOf(journalOf(folder))).difference(dead.ids).size + foreign
  }
  // Anything left then is reported below.
  let left = await leftOver()
  for (let endedAt = performance.now(); left > 0 && performance.now() - endedAt < STALLED_AFTER_MS; ) {
    await Bun.sleep(LOOK_AGAIN_MS)
    const before = left
    left = await leftOver()
    if (left < before) endedAt = performance.now()
  }
  await waitUntil(async () => (await workers(service)) === workersBefore, "every worker").catch(() => {})
  const heldAfter = async () => Bun.deepEquals(await place.held(), heldBefore)
  await waitUntil(heldAfter, "what the broker held before").catch(() => {})

  retries.collect(service)
  const journal = journalOf(folder)
  const done = idsOf(journal)
  print(place.name, [
    ["published", load.answered.size],
    ["handled", done.size],
    ["handled again", journal.length - done.size],
    ["dead letters", listOf(dead.byReason)],
    ["refused publishes", listOf(load.refused)],
    ["killed", listOf(kills)],
    ...(other === null ? [] : [["another program", listOf(other.done)] as const]),
  ])
  return judge([
    everyEventEnded(load.answered, done, dead.ids, retries, other?.tierDeletions ?? []),
    ...(other === null ? [] : [everyForeignMessageEnded(other.published, dead.foreignIds)]),
    keysInOrder(journal),
    endsWhenTold(ownEnds + (service.isAlive ? 0 : 1)),
    noRequestHung(load.refused.get("hung") ?? 0),
    memoryIsFlat(memory.peaks),
    asAtTheStart("workers", workersBefore, await workers(service)),
    ...(place.kill === null
      ? []
      : [asAtTheStart("connections, channels, consumers", heldBefore, await place.held())]),
  ])
}

const listOf = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([what, count]) => `${count} ${what}`).join(", ") || "none"

function print(title: string, rows: readonly (readonly [what: string, figures: string | number])[]): void {
  console.log(`${title}, ${seconds} s:`)
  for (const [what, figures] of rows) console.log(`  ${what.padEnd(42)} ${figures}`)
}

function judge(verdicts: readonly Verdict[]): boolean {
  for (const { what, holds, figures } of verdicts) {
    console.log(`  ${what.padEnd(42)} ${holds ? "holds" : "FAILS"}: ${figures}`)
  }
  return verdicts.every(({ holds }) => holds)
}

let holds = true
for (const each of engine === "" ? ["embedded", "rabbitmq"] : [engine]) {
  await using place = await openPlace(each)
  holds = (await soak(place)) && holds
}
process.exit(holds ? 0 : 1)

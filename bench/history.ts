/**
 * Measures what the history costs on RabbitMQ, for publishing and for consuming, in pairs of runs with it and without it.
 * Arguments: rounds, seconds of a publish, publishes in flight, prefetch.
 */
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { Backlog } from "./backlog.ts"
import { median, print, run, start } from "./measure.ts"
import { recognisedSpeech } from "./recognised-speech.ts"

const [rounds = "5", seconds = "3", inFlight = "64", prefetch = "50"] = process.argv.slice(2)

const QUEUE = "voice_events"

/** Some seconds of work. */
const BACKLOG = 60_000

/** Least ratio of the rates, with the history to without. */
const TARGET = 0.9

type Measure = (history: "on" | "off") => Promise<number>

async function compare(label: string, measure: Measure): Promise<void> {
  const ratios: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    // Each goes first in turn, because the second one finds another machine.
    const early = round % 2 === 0 ? await measure("on") : 0
    const without = await measure("off")
    const with_ = early || (await measure("on"))
    ratios.push(with_ / without)
    print(`${label} ${round}`, without, with_)
  }
  console.log(`${label}: median ratio ${median(ratios).toFixed(2)} (target: ${TARGET})`)
}

for (const installation of installations()) {
  const node = await RabbitMqNode.start(installation)
  const load = (what: string, history: string, count: string) => [
    what,
    String(node.port),
    history,
    count,
    seconds,
  ]
  console.log(`\nRabbitMQ ${(await node.control("version")).trim()}; events per second:`)
  console.log("what                            without     with  ratio")
  try {
    await run("history-load.ts", load("publish", "on", "1"))
    await compare(`${inFlight} publishes in flight`, async (history) => {
      await node.manage("DELETE", `queues/%2F/${QUEUE}/contents`)
      return run("history-load.ts", load("publish", history, inFlight))
    })
    await using backlog = await Backlog.open(node.port, QUEUE, BACKLOG)
    await compare(`consumed, prefetch ${prefetch}`, async (history) => {
      await backlog.fill(recognisedSpeech)
      const consumer = start("history-load.ts", load("consume", history, prefetch))
      const rate = await backlog.drainRate()
      consumer.kill()
      await consumer.exited
      return rate
    })
  } finally {
    await node[Symbol.asyncDispose]()
  }
}

/**
 * Sends the compiled service requests that are broken in every way, and holds it to this: no answer is 5xx, none is
 * missing, every refusal is a problem document, good events are taken meanwhile, and memory stays flat. Arguments: how
 * many requests, and the seed.
 */
import { residentMebibytes } from "../soak/memory.ts"
import { ServiceFolder } from "../tests/support/running-service.ts"
import { brokenExchange } from "./broken-requests.ts"
import { converse } from "./client.ts"
import { Dice } from "./dice.ts"
import { StalledCrowd } from "./stalled-bodies.ts"
import { faultOf, memoryIsFlat } from "./verdict.ts"

const [count = "50000", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)

const CLIENTS = 32
/** Connections that only hold a body, while the others are tried. */
const STALLED = 50
const SAMPLES = 20
const SHOWN_FAULTS = 5

/** Small bounds, so that what is beyond them is quickly sent. */
const VARIABLES = {
  MAX_BODY_BYTES: "65536",
  MAX_BATCH_BYTES: "65536",
  MAX_BUFFERED_BYTES: "1048576",
  BODY_TIMEOUT: "500",
}

console.log(`${count} requests, seed ${seed}`)
await using folder = new ServiceFolder()
const service = await folder.start(VARIABLES)
const port = Number(new URL(service.url).port)
const dice = new Dice(Number(seed))
const statuses = new Map<string, number>()
const faults: string[] = []
const memory: number[] = []
let sent = 0
let sampled = 0

async function client(): Promise<void> {
  while (sent < Number(count)) {
    const exchange = brokenExchange(dice)
    sent += exchange.requests
    const outcome = await converse(port, exchange)
    for (const { status } of outcome.answers) {
      const key = `${exchange.kind}: ${status}`
      statuses.set(key, (statuses.get(key) ?? 0) + 1)
    }
    const fault = faultOf(exchange, outcome)
    if (fault !== null) faults.push(`${exchange.kind} ${fault}: ${preview(exchange.parts)}`)
    if (sent >= (sampled * Number(count)) / SAMPLES) {
      sampled++
      memory.push(residentMebibytes(service.pid))
    }
  }
}

/** How many good events were taken while the others were at it, and how those that were not were answered. */
const meanwhile = { taken: 0, refusals: [] as string[] }

async function publishMeanwhile(): Promise<void> {
  while (sent < Number(count)) {
    try {
      await service.publish({ name: "meanwhile" })
      meanwhile.taken++
    } catch (error) {
      meanwhile.refusals.push(String(error))
    }
  }
}

const preview = (parts: readonly unknown[]): string =>
  JSON.stringify(
    parts.map((part) => (part instanceof Uint8Array ? Buffer.from(part).toString("latin1") : part)),
  ).slice(0, 300)

{
  using _ = new StalledCrowd(port, dice, STALLED)
  await Promise.all([publishMeanwhile(), ...Array.from({ length: CLIENTS }, client)])
}

for (const [what, times] of [...statuses].toSorted()) console.log(`  ${what.padEnd(40)} ${times}`)
const id = await service.publish({ name: "still-well" })
const errors = service.log.filter(({ level }) => level === "error" || level === "fatal")
const code = await service.stop()
const verdicts: readonly (readonly [what: string, holds: boolean, figures: string | number])[] = [
  [
    "every request is answered, without 5xx, by a problem where refused",
    faults.length === 0,
    `${faults.length} are not`,
  ],
  [
    "good events are taken meanwhile",
    meanwhile.taken > 0 && meanwhile.refusals.length === 0,
    `${meanwhile.taken} are, ${meanwhile.refusals.length} are not`,
  ],
  ["memory is flat", memoryIsFlat(memory), `${memory.join(", ")} MiB`],
  ["the log tells of no error", errors.length === 0 && service.stderr === "", errors.length],
  [
    "a good event is taken at the end, and the service ends in order",
    id !== "" && code === 0,
    `exit code ${code}`,
  ],
]
for (const fault of faults.slice(0, SHOWN_FAULTS)) console.log(`  ${fault}`)
for (const refusal of meanwhile.refusals.slice(0, SHOWN_FAULTS)) console.log(`  ${refusal}`)
for (const error of errors.slice(0, SHOWN_FAULTS)) console.log(`  ${JSON.stringify(error)}`)
for (const [what, holds, figures] of verdicts)
  console.log(`${holds ? "holds" : "FAILS"}: ${what}: ${figures}`)
process.exit(verdicts.every(([, holds]) => holds) ? 0 : 1)

/**
 * The limit to compare the pool with waiting handlers with: loops in one process that only wait. Arguments:
 * number of loops, seconds. Prints waits per second.
 */
const [loops = "50", seconds = "3"] = process.argv.slice(2)

const WARM_UP_MS = 500
const WAIT_MS = 1

let done = 0

async function loop(): Promise<never> {
  while (true) {
    await Bun.sleep(WAIT_MS)
    done++
  }
}

for (let i = 0; i < Number(loops); i++) void loop()
await Bun.sleep(WARM_UP_MS)
const before = done
const start = performance.now()
await Bun.sleep(Number(seconds) * 1_000)
process.stdout.write(`${Math.round(((done - before) / (performance.now() - start)) * 1_000)}\n`)
process.exit(0)

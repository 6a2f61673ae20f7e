/**
 * Open consoles in a process of their own: each asks for the overview every two seconds, as the page does, and discards the
 * answer. Arguments: URL, number of consoles. Prints a line when all of them are answered once.
 */
const [url = "", count = "20"] = process.argv.slice(2)

const INTERVAL_MS = 2_000

let answered = 0

async function watch(): Promise<never> {
  for (let round = 0; ; round++) {
    const since = round === 0 ? "" : `?since=${Date.now() / 1_000 - INTERVAL_MS / 1_000}`
    await (await fetch(`${url}/api/v1/overview${since}`)).arrayBuffer()
    if (round === 0 && ++answered === Number(count)) process.stdout.write("all look\n")
    await Bun.sleep(INTERVAL_MS)
  }
}

await Promise.all(Array.from({ length: Number(count) }, watch))

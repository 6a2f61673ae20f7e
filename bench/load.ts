/**
 * A client in a process of its own: persistent sockets that publish sequentially and read each complete
 * response. Arguments: URL, connections, seconds, events per batch (1: no batches). Prints events per second.
 */
import { connect } from "./connection.ts"
import { draft } from "./draft.ts"

const [url = "", connections = "64", seconds = "3", batchSize = "1"] = process.argv.slice(2)
const BATCH = Number(batchSize)
const PATH = BATCH > 1 ? "/api/v1/events/batch" : "/api/v1/events"

const WARM_UP_MS = 1_000

let published = 0

const numbered = () => draft({ call_id: `c-${published}` })

const body = () =>
  JSON.stringify(BATCH > 1 ? { events: Array.from({ length: BATCH }, numbered) } : numbered())

for (let i = 0; i < Number(connections); i++) {
  const connection = await connect(url, (answer) => {
    if (!("count" in answer ? answer.count === BATCH : answer.id))
      throw new Error(`answered ${JSON.stringify(answer)}`)
    published += BATCH
    connection.post(PATH, body())
  })
  connection.post(PATH, body())
}
await Bun.sleep(WARM_UP_MS)
const before = published
const start = performance.now()
await Bun.sleep(Number(seconds) * 1_000)
process.stdout.write(`${Math.round(((published - before) / (performance.now() - start)) * 1_000)}\n`)
process.exit(0)

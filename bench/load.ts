/**
 * A client in a process of its own: sockets that are kept open, each publishing one event after the other and
 * reading each answer whole. Arguments: url, connections, seconds, and how many events go into a batch (1 is none).
 * Prints events per second.
 */
const [url = "", connections = "64", seconds = "3", batchSize = "1"] = process.argv.slice(2)
const BATCH = Number(batchSize)
const { hostname, port } = new URL(url)

const WARM_UP_MS = 1_000
const HEAD_END = "\r\n\r\n"

let published = 0

const draft = () => ({
  type: "voice",
  name: "speech_recognized",
  payload: { call_id: `c-${published}`, text: "hello there, how can I help you today?", confidence: 0.97 },
  metadata: { session: "s-42", language: "en" },
  priority: "high",
})

function request(): string {
  const body = JSON.stringify(BATCH > 1 ? { events: Array.from({ length: BATCH }, draft) } : draft())
  const path = BATCH > 1 ? "/api/v1/events/batch" : "/api/v1/events"
  return `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** Reads the answer off the socket's text; null while it is not whole. */
function readAnswer(text: string): { id: string } | { count: number } | null {
  const headEnd = text.indexOf(HEAD_END)
  if (headEnd < 0) return null
  const head = text.slice(0, headEnd)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
  const body = text.slice(headEnd + HEAD_END.length)
  if (body.length < length) return null
  if (!head.startsWith("HTTP/1.1 201")) throw new Error(`answered ${text}`)
  return JSON.parse(body)
}

for (let i = 0; i < Number(connections); i++) {
  let received = ""
  await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (socket) => void socket.write(request()),
      data(socket, data) {
        received += data.toString()
        const answer = readAnswer(received)
        if (answer === null) return
        if (!("count" in answer ? answer.count === BATCH : answer.id)) throw new Error(`answered ${received}`)
        received = ""
        published += BATCH
        socket.write(request())
      },
    },
  })
}
await Bun.sleep(WARM_UP_MS)
const before = published
const start = performance.now()
await Bun.sleep(Number(seconds) * 1_000)
process.stdout.write(`${Math.round(((published - before) / (performance.now() - start)) * 1_000)}\n`)
process.exit(0)

const HEAD_END = "\r\n\r\n"

type Answer = { readonly id: string } | { readonly count: number }

/** A persistent socket with one request at a time. Not fetch, which uses more CPU. */
export interface Connection {
  post(path: string, body: string): void
}

/** @param onStored receives each complete response; one that is not 201 ends the process */
export async function connect(url: string, onStored: (answer: Answer) => void): Promise<Connection> {
  const { hostname, port } = new URL(url)
  let received = ""
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(_, data) {
        received += data.toString()
        const answer = readAnswer(received)
        if (answer === null) return
        received = ""
        onStored(answer)
      },
    },
  })
  return {
    post(path, body) {
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    },
  }
}

/** Parses a response from the socket's text; null while it is incomplete. */
function readAnswer(text: string): Answer | null {
  const headEnd = text.indexOf(HEAD_END)
  if (headEnd < 0) return null
  const head = text.slice(0, headEnd)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
  const body = text.slice(headEnd + HEAD_END.length)
  if (body.length < length) return null
  if (!head.startsWith("HTTP/1.1 201")) throw new Error(`answered ${text}`)
  return JSON.parse(body)
}

/**
 * Clients of the live stream, in a process of their own. They take what comes, and leave it. Arguments: url, how many,
 * topics, in which INDEX is the number of the client. Prints a line once all of them are answered.
 */
import { connect } from "node:net"

const [url = "", count = "500", topics = ""] = process.argv.slice(2)
const { hostname, port, host } = new URL(url)

let answered = 0
for (let index = 0; index < Number(count); index++) {
  const socket = connect({ host: hostname, port: Number(port) })
  socket.write(
    `GET /api/v1/events/stream?topics=${topics.replace("INDEX", String(index))} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  )
  socket.once("data", () => {
    if (++answered === Number(count)) process.stdout.write("all look\n")
  })
  socket.on("data", () => {})
}

/**
 * Clients of the live stream in a process of their own, which read and discard events. Arguments: URL, number
 * of clients, topics, in which INDEX is replaced with the client's number. Prints a line when all of them are
 * answered.
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

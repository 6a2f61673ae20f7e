import { connect, createServer, type Server, type Socket } from "node:net"
import { listenOnLoopback } from "../listen-on-loopback.ts"

/** A proxy to a broker that can stop forwarding in both directions without closing connections. */
export class StallingProxy implements Disposable {
  /** Number of connections made. */
  connections = 0
  readonly #server: Server
  #port = 0
  readonly #sockets = new Set<Socket>()
  #isStalled = false

  private constructor(brokerPort: number) {
    this.#server = createServer((client) => this.#relay(client, connect(brokerPort, "127.0.0.1")))
  }

  static async start(brokerPort: number): Promise<StallingProxy> {
    const proxy = new StallingProxy(brokerPort)
    proxy.#port = await listenOnLoopback(proxy.#server)
    return proxy
  }

  get port(): number {
    return this.#port
  }

  stall(): void {
    this.#isStalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#isStalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** Ends the connections that there are. New ones are passed on. */
  cut(): void {
    this.#isStalled = false
    for (const socket of this.#sockets) socket.destroy()
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #relay(client: Socket, broker: Socket): void {
    this.connections++
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on("data", (data: Buffer) => other.write(data))
      socket.on("close", () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
      socket.on("error", () => other.destroy())
      if (this.#isStalled) socket.pause()
    }
  }
}

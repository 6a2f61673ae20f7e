import { connect, createServer, type Server, type Socket } from "node:net"
import { listenOnLoopback } from "../listen-on-loopback.ts"

/** A frame: type, channel and size, then its payload and an end byte. Source: AMQP 0-9-1, section 4.2.3. */
const HEADER_BYTES = 7
const END_BYTES = 1
const METHOD = 1
const END = 0xce
const BASIC = 60
const CONSUME_OK = 21
const CANCEL = 30

/**
 * A proxy to a broker that cancels the first consumer, as after the deletion of its queue, in the same packet
 * as the answer to its start.
 */
export class CancellingProxy implements Disposable {
  /** Number of consumers that have started. */
  begun = 0
  readonly #server: Server
  #port = 0
  readonly #sockets = new Set<Socket>()

  private constructor(brokerPort: number) {
    this.#server = createServer((client) => this.#relay(client, connect(brokerPort, "127.0.0.1")))
  }

  static async start(brokerPort: number): Promise<CancellingProxy> {
    const proxy = new CancellingProxy(brokerPort)
    proxy.#port = await listenOnLoopback(proxy.#server)
    return proxy
  }

  get port(): number {
    return this.#port
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #relay(client: Socket, broker: Socket): void {
    let left = Buffer.alloc(0)
    broker.on("data", (data: Buffer) => {
      left = Buffer.concat([left, data])
      const whole: Buffer[] = []
      for (let frame = firstFrame(left); frame !== null; frame = firstFrame(left)) {
        left = left.subarray(frame.length)
        whole.push(frame)
        if (isMethod(frame, BASIC, CONSUME_OK) && ++this.begun === 1) whole.push(cancelOf(frame))
      }
      client.write(Buffer.concat(whole))
    })
    client.on("data", (data: Buffer) => broker.write(data))
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on("close", () => other.destroy())
      socket.on("error", () => other.destroy())
    }
  }
}

function firstFrame(bytes: Buffer): Buffer | null {
  if (bytes.length < HEADER_BYTES) return null
  const length = HEADER_BYTES + bytes.readUInt32BE(3) + END_BYTES
  return bytes.length < length ? null : bytes.subarray(0, length)
}

const isMethod = (frame: Buffer, ofClass: number, method: number): boolean =>
  frame[0] === METHOD && frame.readUInt16BE(7) === ofClass && frame.readUInt16BE(9) === method

/** Returns the cancel of the consumer whose start this frame confirms. */
function cancelOf(consumeOk: Buffer): Buffer {
  const tag = consumeOk.subarray(11, 12 + (consumeOk[11] ?? 0))
  const payload = Buffer.concat([Buffer.from([0, BASIC, 0, CANCEL]), tag, Buffer.from([1])])
  const header = Buffer.from(consumeOk.subarray(0, HEADER_BYTES))
  header.writeUInt32BE(payload.length, 3)
  return Buffer.concat([header, payload, Buffer.from([END])])
}

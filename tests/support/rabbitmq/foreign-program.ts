import { connect, type Socket } from "node:net"
import { waitUntil } from "../wait-until.ts"
import {
  encodeProperties,
  type ForeignProperties,
  long,
  longLong,
  longString,
  octet,
  short,
  shortString,
  table,
} from "./foreign-fields.ts"
import { headersOf } from "./foreign-reader.ts"

const METHOD = 1
const HEADER = 2
const BODY = 3
const FRAME_END = 0xce
const FRAME_MAX = 131_072
const FRAME_OVERHEAD = 8

const START_OK = [10, 11] as const
const TUNE_OK = [10, 31] as const
const OPEN = [10, 40] as const
const CHANNEL_OPEN = [20, 10] as const
const QUEUE_DECLARE = [50, 10] as const
const QUEUE_BIND = [50, 20] as const
const CONFIRM_SELECT = [85, 10] as const
const PUBLISH = [60, 40] as const
const GET = [60, 70] as const

type Method = readonly [classId: number, methodId: number]

export interface Login {
  readonly port: number
  readonly vhost: string
  readonly user: string
  readonly password: string
}

/**
 * Another program that writes its AMQP frames itself: it shares no code with the service, and uses no library
 * that would reject a message.
 */
export class ForeignProgram implements Disposable {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  readonly #methods: string[] = []
  readonly #contentHeaders: Buffer[] = []
  readonly #unconfirmed = new Set<number>()
  #published = 0
  #fault: string | null = null

  private constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port })
    this.#socket.on("data", (bytes: Buffer) => this.#receive(bytes))
    this.#socket.on("error", (error) => {
      this.#fault ??= error.message
    })
  }

  static async connect({ port, vhost, user, password }: Login): Promise<ForeignProgram> {
    const program = new ForeignProgram(port)
    program.#socket.write(Buffer.from([65, 77, 81, 80, 0, 0, 9, 1]))
    await program.#saw("10.10")
    const answer = `\0${user}\0${password}`
    program.#send(0, START_OK, table([]), shortString("PLAIN"), longString(answer), shortString("en_US"))
    await program.#saw("10.30")
    program.#send(0, TUNE_OK, short(1), long(FRAME_MAX), short(0))
    program.#send(0, OPEN, shortString(vhost), octet(0), octet(0))
    await program.#saw("10.41")
    program.#send(1, CHANNEL_OPEN, octet(0))
    await program.#saw("20.11")
    program.#send(1, CONFIRM_SELECT, octet(0))
    await program.#saw("85.11")
    return program
  }

  /** Declares and binds a queue of this program's own. */
  async bind(queue: string, exchange: string, pattern: string): Promise<void> {
    this.#send(1, QUEUE_DECLARE, short(0), shortString(queue), octet(2), table([]))
    await this.#saw("50.11")
    const names = [shortString(queue), shortString(exchange), shortString(pattern)]
    this.#send(1, QUEUE_BIND, short(0), ...names, octet(0), table([]))
    await this.#saw("50.21")
  }

  publish(exchange: string, key: string, body: Uint8Array, properties: ForeignProperties): void {
    this.#unconfirmed.add(++this.#published)
    this.#send(1, PUBLISH, short(0), shortString(exchange), shortString(key), octet(0))
    const size = longLong(BigInt(body.length))
    this.#write(HEADER, 1, Buffer.concat([short(60), short(0), size, encodeProperties(properties)]))
    const most = FRAME_MAX - FRAME_OVERHEAD
    for (let at = 0; at < body.length; at += most) {
      this.#write(BODY, 1, body.subarray(at, at + most))
    }
  }

  /** Waits for the next message of a queue, takes it, and returns its headers as RabbitMQ sends them. */
  async take(queue: string): Promise<ReadonlyMap<string, Buffer>> {
    while (this.#contentHeaders.length === 0) {
      this.#send(1, GET, short(0), shortString(queue), octet(1))
      await waitUntil(() => {
        if (this.#fault !== null) throw new Error(this.#fault)
        return this.#methods.length > 0
      }, `RabbitMQ to answer basic.get of ${queue}`)
      if (this.#methods.pop() === "60.71") {
        await waitUntil(() => this.#contentHeaders.length > 0, "RabbitMQ to send the message")
      }
    }
    return headersOf(this.#contentHeaders.pop() ?? Buffer.alloc(0))
  }

  /** Resolves when RabbitMQ has confirmed every message. */
  confirmed(): Promise<void> {
    return waitUntil(() => {
      if (this.#fault !== null)
        throw new Error(`RabbitMQ refused a message of the other program: ${this.#fault}`)
      return this.#unconfirmed.size === 0
    }, "RabbitMQ to confirm what the other program published")
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #send(channel: number, method: Method, ...parts: readonly Buffer[]): void {
    this.#write(METHOD, channel, Buffer.concat([...method.map(short), ...parts]))
  }

  #write(type: number, channel: number, payload: Uint8Array): void {
    const frame = [octet(type), short(channel), long(payload.length), payload, octet(FRAME_END)]
    this.#socket.write(Buffer.concat(frame))
  }

  async #saw(method: string): Promise<void> {
    await waitUntil(() => {
      if (this.#fault !== null) throw new Error(this.#fault)
      return this.#methods.includes(method)
    }, `RabbitMQ to answer ${method}`)
    this.#methods.splice(this.#methods.indexOf(method), 1)
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    while (this.#received.length >= FRAME_OVERHEAD) {
      const size = this.#received.readUInt32BE(3)
      if (this.#received.length < size + FRAME_OVERHEAD) return
      if (this.#received[0] === METHOD) this.#take(this.#received.subarray(7, 7 + size))
      if (this.#received[0] === HEADER)
        this.#contentHeaders.push(Buffer.from(this.#received.subarray(7, 7 + size)))
      this.#received = this.#received.subarray(size + FRAME_OVERHEAD)
    }
  }

  #take(payload: Buffer): void {
    const method = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`
    if (method === "60.80") {
      const last = Number(payload.readBigUInt64BE(4))
      const isMultiple = payload[12] === 1
      for (const tag of this.#unconfirmed) {
        if (tag === last || (isMultiple && tag < last)) this.#unconfirmed.delete(tag)
      }
    } else if (method === "20.40" || method === "10.50") this.#fault = payload.subarray(7).toString()
    else this.#methods.push(method)
  }
}

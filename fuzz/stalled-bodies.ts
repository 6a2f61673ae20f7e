import { connect, type Socket } from "node:net"
import type { Dice } from "./dice.ts"
import type { Exchange } from "./exchange.ts"

const PUBLISH = "/api/v1/events"
const BATCH = `${PUBLISH}/batch`
const EVENT = '{"type":"voice","name":"speech_recognized","payload":{"text":"hello"}}'

/** The largest body that the service that is tried takes, in bytes. */
const MAX_BYTES = 65_536

/** Begins a body and does not end it: much is declared and little sent, a batch is half, or an upload stops. */
export function stalled(dice: Dice): Omit<Exchange, "kind"> {
  const declared = `Content-Length: ${dice.oneOf([MAX_BYTES, 1_000, 100])}`
  const parts = dice.oneOf([
    () => [head(PUBLISH, "application/json", declared), EVENT.slice(0, dice.below(EVENT.length))],
    () => [head(PUBLISH, "application/json", `Content-Length: ${1 + dice.below(60)}`)],
    () => [head(BATCH, "application/json", declared), `{"events":[{"type":"voice","na`],
    () => [head(BATCH, "application/json", CHUNKED), chunk(`{"events":[${EVENT},`)],
    () => [head(BATCH, "application/cloudevents-batch+json", declared), "[".repeat(dice.below(99))],
    () => [head(BATCH, "application/x-ndjson", CHUNKED), chunk(`${EVENT}\n${EVENT.slice(0, 20)}`)],
    () => [head(BATCH, "application/x-ndjson", declared), EVENT],
    () => [head(PUBLISH, "application/json", `Content-Length: ${MAX_BYTES}`), " ".repeat(MAX_BYTES - 1)],
  ])()
  return dice.chance(0.5)
    ? { parts, requests: 1, ending: "answered" }
    : { parts: [...parts, null], requests: 1, ending: "answered-or-closed" }
}

const CHUNKED = "Transfer-Encoding: chunked"

const head = (path: string, type: string, framing: string): string =>
  [`POST ${path} HTTP/1.1`, "Host: fuzz", `Content-Type: ${type}`, framing, "", ""].join("\r\n")

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

/** Connections that all have begun a body and send no more of it. One that the service ends is followed by another. */
export class StalledCrowd implements Disposable {
  readonly #port: number
  readonly #dice: Dice
  readonly #sockets = new Set<Socket>()
  #isOver = false

  constructor(port: number, dice: Dice, size: number) {
    this.#port = port
    this.#dice = dice
    for (let i = 0; i < size; i++) this.#join()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(): void {
    if (this.#isOver) return
    const socket = connect({ host: "127.0.0.1", port: this.#port })
    this.#sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => {
      this.#sockets.delete(socket)
      this.#join()
    })
    // The service ends a connection by its answer; where it does not, nothing more is to be learnt from it.
    socket.on("data", () => socket.destroy())
    for (const part of stalled(this.#dice).parts) if (typeof part === "string") socket.write(part)
  }
}

import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { type Answer, readAnswers } from "../tests/support/http-answer.ts"
import type { Exchange } from "./exchange.ts"

/** What became of an exchange. */
export interface Outcome {
  readonly answers: readonly Answer[]
  /** `silent`: nothing more came within the time, and there were fewer answers than requests. */
  readonly end: "complete" | "closed" | "silent"
}

/** How long after the last part an answer may take, in milliseconds; more than the service's own limits. */
const PATIENCE_MS = 10_000

/** Sends an exchange on a connection of its own, and reads what comes back. */
export async function converse(
  port: number,
  { parts, requests, isHead = false }: Exchange,
): Promise<Outcome> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true })
  const received: Uint8Array[] = []
  const { promise: over, resolve } = Promise.withResolvers<Outcome["end"]>()
  const answers = () => readAnswers(Buffer.concat(received).toString("latin1"), { isHead })
  socket.on("data", (data) => {
    received.push(data)
    if (answers().length >= requests) resolve("complete")
  })
  socket.on("close", () => resolve("closed"))
  // What a client can't write any more was refused before; the answer tells.
  socket.on("error", () => {})
  let isOver = false
  void over.then(() => {
    isOver = true
  })
  for (const part of parts) {
    if (isOver) break
    if (part === null) socket.end()
    else if (typeof part === "number") await sleep(part)
    else socket.write(part)
  }
  const patience = setTimeout(() => resolve("silent"), PATIENCE_MS)
  const end = await over
  clearTimeout(patience)
  socket.destroy()
  return { answers: answers(), end }
}

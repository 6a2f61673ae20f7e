import type { Socket } from "node:net"
import { readTable } from "../wire/field-table.ts"
import { NoBrokerError } from "./connect-fault.ts"

/** Product and version from a broker's greeting. */
export interface ServerProperties {
  readonly product: string
  readonly version: string
}

/** Type, channel and size of a method frame; then class, method and two bytes of protocol version. */
const FRAME_HEAD_BYTES = 7
const TABLE_LENGTH_BYTES = 4
const TABLE_AT = FRAME_HEAD_BYTES + 2 + 2 + 2 + TABLE_LENGTH_BYTES
const METHOD_FRAME = 1

/** Longest greeting, in bytes: the frame size before negotiation is 4,096. */
const MAX_GREETING_BYTES = 65_536

/**
 * Reads a broker's connection.start, which the client library skips, directly from the socket. A peer that
 * starts with anything else is not an AMQP broker; the connection is closed before the library reads it.
 */
export function readServerProperties(socket: Socket): Promise<ServerProperties> {
  const { promise, resolve, reject } = Promise.withResolvers<ServerProperties>()
  let read = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    read = Buffer.concat([read, chunk])
    if (read[0] !== METHOD_FRAME || read.length > MAX_GREETING_BYTES) {
      socket.removeAllListeners("data")
      reject(new NoBrokerError())
      socket.destroy()
      return
    }
    if (read.length < FRAME_HEAD_BYTES) return
    const frameEnd = FRAME_HEAD_BYTES + read.readUInt32BE(3)
    if (read.length < frameEnd) return
    socket.off("data", onData)
    const table = readTable(new Uint8Array(read.subarray(TABLE_AT, frameEnd)))
    resolve({ product: String(table["product"]), version: String(table["version"]) })
  }
  socket.prependListener("data", onData)
  return promise
}

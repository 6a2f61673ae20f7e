import type { AMQPChannel, AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import type { FactFollower } from "../../fact-log.ts"
import type { Batch } from "./batch.ts"
import type { StreamPosition } from "./stream-message.ts"

/** One consumer of the stream. */
export interface ReaderRun {
  readonly client: AMQPClient
  readonly channel: AMQPChannel
  readonly follower: FactFollower
  /** The message that has to come first: the last batch that the follower has. Null once it came, or if it has none. */
  expected: StreamPosition | null
  mark: Batch | null
  readonly arrived: AMQPMessage[]
  hasMessages: boolean
  isTaking: boolean
  checks: number
  silentChecks: number
}

export const newRun = (
  client: AMQPClient,
  channel: AMQPChannel,
  follower: FactFollower,
  expected: StreamPosition | null,
): ReaderRun => ({
  client,
  channel,
  follower,
  expected,
  mark: null,
  arrived: [],
  hasMessages: false,
  isTaking: false,
  checks: 0,
  silentChecks: 0,
})

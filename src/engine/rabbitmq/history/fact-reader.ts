import type { AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import type { FactFollower } from "../../fact-log.ts"
import type { Report } from "../../report.ts"
import { ACCESS_REFUSED, endsConnection, NOT_FOUND, refusalText, replyIn } from "../wire/broker-fault.ts"
import { AloneWatch } from "./alone-watch.ts"
import type { Batch, WriterId } from "./batch.ts"
import { HISTORY_STREAM } from "./history-stream.ts"
import { LoneTail } from "./lone-tail.ts"
import { LoneWriting } from "./lone-writing.ts"
import { newRun, type ReaderRun } from "./reader-run.ts"
import {
  batchOf,
  offsetOf,
  parsePosition,
  readStreamMessage,
  type StreamMessage,
  type StreamPosition,
} from "./stream-message.ts"
import type { LostFacts, UnreadFacts } from "./unread-facts.ts"

export interface FactReaderOptions {
  /** The writer of this instance. */
  readonly writer: WriterId
  /** Appends a mark to the stream; null if that can't be done now. @param tail takes the mark and all that is sent after it */
  readonly mark: (tail?: LoneTail) => Batch | null
  /** Keeps what this instance sent until it is read. */
  readonly unread: UnreadFacts
  /** Called with what was lost, going by a mark that was read. */
  readonly onLost: (lost: LostFacts) => void
  /** Called with the lines of each batch, before the follower takes it. Must not throw. */
  readonly onFacts: (text: string) => void
  readonly report: Report
}

/** Messages that RabbitMQ sends before they are acknowledged. Each may have as much as a batch. */
const PREFETCH = 32

/** Backoff before the stream is read again. */
const RESUME_BACKOFF: Backoff = { initialMs: 250, factor: 2, maxMs: 30_000 }

/** Interval between checks of a reader that has not caught up, in milliseconds. */
const CHECK_INTERVAL_MS = 500

/** Checks with a stored mark, but without a message, after which the position counts as one of another stream: three seconds. */
const MAX_SILENT_CHECKS = 6

/** Checks after which another mark is appended, because the first was not stored: 30 seconds. */
const MAX_MARK_CHECKS = 60

/**
 * Reads the stream for a follower. It begins with the last batch that the follower has, to see whether this is still the
 * same stream; if it is not, with the first message. A mark that this reader appends says when it has read everything that
 * was there before.
 */
export class FactReader {
  readonly #options: FactReaderOptions
  readonly #delays = new RetryDelays(RESUME_BACKOFF)
  #client: AMQPClient | null = null
  #follower: FactFollower | null = null
  #run: ReaderRun | null = null
  #resumeTimer: Timer | undefined
  #checkTimer: Timer | undefined
  /** Changes when the consumer, or the attempt to start one, is over. */
  #attempt = 0
  /** RabbitMQ ended the last connection because of what was read. */
  #hasEndedConnection = false
  /** The message that was taken last; null before the first. */
  #taken: StreamPosition | null = null
  readonly #alone: AloneWatch
  /** The end of the stream, while this instance may be the only one that writes it. */
  #tail: LoneTail | null = null
  #lone: LoneWriting | null = null
  #isCaughtUp = false
  #reachedAt: number | null = null
  #hasTold = false
  /** Ends of the waits for marks, by token. */
  readonly #awaited = new Map<string, () => void>()

  constructor(options: FactReaderOptions) {
    this.#options = options
    this.#alone = new AloneWatch(options.writer)
  }

  /** True if everything is taken that was stored before the reader was started last. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp
  }

  /** When the batch that was taken last was sent, in milliseconds since the epoch; null before the first. */
  get reachedAt(): number | null {
    return this.#reachedAt
  }

  /** Returns a function that ends it. */
  follow(follower: FactFollower): () => void {
    if (this.#follower !== null) throw new Error("the list of facts has a follower")
    this.#follower = follower
    this.#reachedAt = null
    this.#taken = null
    this.#options.unread.begin()
    this.#resume()
    return () => {
      if (this.#follower !== follower) return
      this.#follower = null
      this.#options.unread.end()
      this.#end()
    }
  }

  /** Resolves when the follower has taken what the stream had at the call, or when that can't be known. */
  reach(): Promise<void> {
    const isFollowing = this.#run !== null || this.#isCaughtUp
    const mark = isFollowing ? this.#options.mark() : null
    if (mark === null) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#awaited.set(mark.token, resolve)
    void mark.waited.promise.then(() => this.#lone?.compare())
    return promise
  }

  /** Goes on with a connection on which the stream exists. */
  start(client: AMQPClient): void {
    if (client === this.#client) return
    this.#client = client
    if (this.#hasEndedConnection) this.#resumeLater()
    else {
      this.#delays.reset()
      this.#resume()
    }
    this.#hasEndedConnection = false
  }

  stop(): void {
    this.#follower = null
    this.#end()
  }

  #resume(isFromFirst = false): void {
    this.#end()
    const client = this.#client
    const follower = this.#follower
    if (client === null || client.closed || follower === null) return
    if (isFromFirst) this.#taken = null
    const from = isFromFirst ? null : (this.#taken ?? parsePosition(follower.position()))
    void this.#begin(client, follower, from, this.#attempt)
  }

  /** Ends reading, or following without reading. */
  #pause(): void {
    this.#attempt++
    clearTimeout(this.#resumeTimer)
    clearInterval(this.#checkTimer)
    const run = this.#run
    this.#run = null
    run?.channel.close().catch(() => {})
    this.#lone?.stop()
    this.#lone = null
    this.#alone.reset()
  }

  #end(): void {
    this.#pause()
    this.#tail?.break()
    this.#tail = null
    this.#isCaughtUp = false
    for (const resolve of this.#awaited.values()) resolve()
    this.#awaited.clear()
  }

  async #begin(
    client: AMQPClient,
    follower: FactFollower,
    from: StreamPosition | null,
    attempt: number,
  ): Promise<void> {
    const fail = (cause: unknown): void => {
      if (attempt === this.#attempt) this.#failed(client, cause)
    }
    try {
      const channel = await client.channel()
      // Otherwise the library writes to the console why RabbitMQ closed the channel.
      channel.onerror = () => {}
      if (attempt !== this.#attempt) return void channel.close().catch(() => {})
      const run = newRun(client, channel, follower, from)
      this.#run = run
      await channel.basicQos(PREFETCH)
      // Past the library's list of consumers: it drops messages that arrive together with the answer to basic.consume.
      channel.deliver = (message) => this.#arrive(run, message)
      const args = { "x-stream-offset": from === null ? "first" : from.offset }
      const consumer = await channel.basicConsume(HISTORY_STREAM, { noAck: false, args }, () => {})
      consumer.wait().catch(fail)
      if (attempt !== this.#attempt) return
      run.mark = this.#options.mark()
      this.#checkTimer = setInterval(() => this.#check(run), CHECK_INTERVAL_MS)
    } catch (error) {
      fail(error)
    }
  }

  #failed(client: AMQPClient, error: unknown): void {
    this.#end()
    // The next connection starts it.
    if (client.closed) {
      this.#hasEndedConnection = endsConnection(error)
      return
    }
    const code = replyIn(error)?.code
    if (code === ACCESS_REFUSED) this.#tellUnreadable(refusalText(error))
    // A mark that finds no stream makes one.
    if (code === NOT_FOUND) this.#options.mark()
    this.#resumeLater()
  }

  #resumeLater(): void {
    this.#end()
    this.#resumeTimer = setTimeout(() => this.#resume(), this.#delays.next())
  }

  #arrive(run: ReaderRun, message: AMQPMessage): void {
    run.hasMessages = true
    run.arrived.push(message)
    if (run.isTaking) return
    run.isTaking = true
    this.#takeAll(run).catch((cause: unknown) => {
      // A message that can't be taken now is delivered again.
      if (run === this.#run) this.#failed(run.client, cause)
    })
  }

  async #takeAll(run: ReaderRun): Promise<void> {
    for (let message = run.arrived.shift(); message !== undefined; message = run.arrived.shift()) {
      if (run !== this.#run) return
      await this.#take(run, message)
      // A lost channel ends the run by itself.
      if (run === this.#run) await message.ack().catch(() => {})
    }
    run.isTaking = false
  }

  async #take(run: ReaderRun, message: AMQPMessage): Promise<void> {
    const offset = offsetOf(message)
    if (offset === null) {
      this.#tellUnreadable(`${HISTORY_STREAM} is not a stream: delete it`)
      this.#resumeLater()
      return
    }
    this.#isRead()
    const read = readStreamMessage(message)
    const { expected } = run
    run.expected = null
    // Retention may have removed the expected one; what comes is then the first that is left.
    if (expected?.offset === offset) {
      if (read?.token !== expected.token) this.#resume(true)
      return
    }
    // Another program has written it.
    if (read === null) return
    if (read.kind === "facts") this.#options.onFacts(read.text)
    await this.#pass(run.follower, read)
    if (run !== this.#run) return
    if (run.mark !== null && read.token === run.mark.token) {
      this.#isCaughtUp = true
      this.#repeatLost(run.mark)
      clearInterval(this.#checkTimer)
      this.#delays.reset()
    }
    if (this.#tail?.beginsWith(read.token)) this.#followAlone(run, this.#tail, offset)
    else if (this.#isCaughtUp && this.#alone.saw(read.token) && (this.#tail?.isBroken ?? true)) {
      const tail = new LoneTail()
      this.#tail = this.#options.mark(tail) === null ? null : tail
    }
  }

  #repeatLost(mark: Batch): void {
    const { unread, onLost } = this.#options
    const lost = unread.takeLost(mark)
    if (lost.batches.length > 0 || lost.dropped > 0) onLost(lost)
  }

  async #pass(follower: FactFollower, message: StreamMessage): Promise<void> {
    this.#taken = message
    if (message.kind === "mark") {
      this.#awaited.get(message.token)?.()
      this.#awaited.delete(message.token)
      return
    }
    await follower.take(batchOf(message))
    this.#options.unread.read(message.token)
    if (follower === this.#follower) this.#reachedAt = message.sentAt
  }

  /** Goes on without reading, from a mark of this instance at this offset. */
  #followAlone({ client, follower }: ReaderRun, tail: LoneTail, offset: number): void {
    this.#pause()
    tail.foundAt(offset)
    this.#tail = null
    this.#lone = new LoneWriting({
      client,
      tail,
      take: ({ batch: { kind, token, text, at }, offset }) =>
        this.#pass(follower, { kind, token, offset, text, sentAt: at, isOwn: true }),
      onEnd: (error) => {
        this.#lone = null
        if (error !== null) this.#failed(client, error)
        else void this.#begin(client, follower, this.#taken, this.#attempt)
      },
    })
  }

  /** RabbitMQ delivers nothing from an offset that the stream does not have yet, although there is a mark before it. */
  #check(run: ReaderRun): void {
    run.checks++
    const isMissing = run.mark === null || (!run.mark.isStored && run.checks % MAX_MARK_CHECKS === 0)
    if (isMissing) run.mark = this.#options.mark()
    if (run.hasMessages || run.expected === null || run.mark?.isStored !== true) return
    if (++run.silentChecks >= MAX_SILENT_CHECKS) this.#resume(true)
  }

  #tellUnreadable(reason: string): void {
    if (this.#hasTold) return
    this.#hasTold = true
    this.#options.report("warn", "the history can't be read", { stream: HISTORY_STREAM, reason })
  }

  #isRead(): void {
    if (!this.#hasTold) return
    this.#hasTold = false
    this.#options.report("info", "the history can be read again", { stream: HISTORY_STREAM })
  }
}

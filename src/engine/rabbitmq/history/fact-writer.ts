import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { AttemptFact, PublishedLine } from "../../../event/history-fact.ts"
import {
  endsConnection,
  faultError,
  faultOf,
  LASTING_REFUSALS,
  NOT_FOUND,
  NOT_IMPLEMENTED,
  refusalText,
  replyIn,
  sizeRefusal,
} from "../wire/broker-fault.ts"
import { Batch, newWriterId, splitBatch } from "./batch.ts"
import { alarmOf, openFactChannel, type WriterState as State } from "./fact-channel.ts"
import { FactCollector, type RecordedPublish, waitingFor } from "./fact-collector.ts"
import type { FactWriterOptions } from "./fact-writer-options.ts"
import { HistoryReports } from "./history-reports.ts"
import { HISTORY_STREAM } from "./history-stream.ts"
import { KeptFacts } from "./kept-facts.ts"
import type { LoneTail } from "./lone-tail.ts"
import { REFUSED_FOR_MS, ReopenDelays } from "./reopen-delays.ts"
import { streamProperties } from "./stream-message.ts"
import type { LostFacts } from "./unread-facts.ts"

/** Interval between checks of the batches that wait, in milliseconds. Runs only while there are any. */
const TICK_MS = 500

/** Checks after which nobody waits for a batch any longer: two seconds. Counted, so that a busy event loop is no silent broker. */
const MAX_WAIT_TICKS = 4

/** Checks without an answer after which the channel is opened again: it may lose confirms for as long as it lives. */
const MAX_SILENT_TICKS = 20

/** How long a stop waits for the last facts, and how often it looks, in milliseconds. */
const STOP_GRACE_MS = 2_000
const STOP_INTERVAL_MS = 10

const SILENT = "RabbitMQ does not confirm facts"

/**
 * Appends facts to the stream: all facts of one turn of the event loop, or of a few, as one message, in their order, on a
 * channel of its own. A message is sent until it is confirmed, so it may be stored twice. While RabbitMQ does not confirm, nobody waits:
 * facts are kept, up to a bound, and sent later.
 */
export class FactWriter {
  readonly id = newWriterId()
  readonly #options: FactWriterOptions
  readonly #reports: HistoryReports
  readonly #delays = new ReopenDelays()
  /** Unconfirmed batches, the oldest first. */
  readonly #batches = new KeptFacts()
  #state: State = { name: "away" }
  readonly #collected: FactCollector
  #ticker: Timer | undefined
  #reopenTimer: Timer | undefined
  #ticks = 0
  #sentAt = 0
  /** Why facts are not stored now. */
  #reason: string | null = null
  #isFailing = false
  #hasVanished = false
  /** Takes what is sent from a batch on. */
  #tail: LoneTail | null = null
  #maxBytes = Number.POSITIVE_INFINITY

  constructor(options: FactWriterOptions) {
    this.#options = options
    this.#reports = new HistoryReports(options)
    this.#collected = new FactCollector({
      ...options,
      writer: this.id,
      ticks: () => this.#ticks,
      onFull: (batch) => this.#admit(batch),
    })
    for (const batch of this.#collected.takeLeft()) this.#batches.add(batch, [batch])
  }

  /** Why facts can't be stored now; null if they can. */
  get failure(): string | null {
    return this.#state.name === "off"
      ? this.#reports.refusal
      : this.#isFailing
        ? (this.#reason ?? SILENT)
        : null
  }

  /** Facts that wait to be stored. */
  get waiting(): number {
    return this.#batches.facts
  }

  /** Facts that were dropped since the start, because too many waited, or RabbitMQ took none. */
  get dropped(): number {
    return this.#batches.dropped
  }

  /**
   * Appends a fact, the line of one or a run, in this turn of the event loop. Resolves with true once it is stored, and
   * with false once that takes too long, or if there is no history. Never rejects.
   */
  record(fact: string | PublishedLine | AttemptFact): Promise<boolean> {
    return this.#isRecording ? this.#collected.add(fact) : Promise.resolve(false)
  }

  /** Appends the fact of a publish, in this turn of the event loop. */
  recordKept(line: PublishedLine): RecordedPublish {
    const canKeep = this.#state.name === "open" && !this.#isFailing
    return canKeep ? this.#collected.addKept(line) : waitingFor(this.record(line))
  }

  /** Appends a mark. Null if there is no history. @param tail takes the mark and all that is sent after it */
  mark(tail: LoneTail | null = null): Batch | null {
    if (!this.#isRecording) return null
    this.#collected.flush()
    const mark = new Batch("mark", this.id, this.#ticks)
    this.#options.unread.marked(mark)
    if (tail !== null) {
      tail.beginWith(mark)
      this.#tail = tail
    }
    this.#admit(mark)
    return mark
  }

  /** Stores facts again that were lost with a stream that somebody deleted. */
  repeat(lost: LostFacts): void {
    if (!this.#isRecording) return
    this.#reports.lost(lost)
    this.#batches.addLost(lost)
    this.#wake()
  }

  /** Goes on with a new connection; later, if RabbitMQ ended the last one because of the stream. */
  start(client: AMQPClient): void {
    if (this.#state.name === "stopped") return
    this.#openIn(this.#delays.takeSpare(), { name: this.#state.name === "off" ? "off" : "waiting", client })
  }

  /** Waits up to two seconds for the last facts. What comes later is not recorded. */
  async stop(): Promise<void> {
    this.#collected.flush()
    const givenUpAt = performance.now() + STOP_GRACE_MS
    const hasHope = (): boolean => this.#state.name !== "away" && !this.#isFailing
    while (this.#batches.facts > 0 && hasHope() && performance.now() < givenUpAt)
      await Bun.sleep(STOP_INTERVAL_MS)
    this.#become({ name: "stopped" })
    clearInterval(this.#ticker)
    this.#batches.abandon()
    this.#options.journal?.close()
  }

  get #isRecording(): boolean {
    return this.#state.name !== "off" && this.#state.name !== "stopped"
  }

  #become(state: State): void {
    clearTimeout(this.#reopenTimer)
    this.#state = state
  }

  #admit(batch: Batch): void {
    if (!this.#isRecording || this.#isFailing) batch.abandon()
    if (!this.#isRecording) return
    const parts = this.#maxBytes === Number.POSITIVE_INFINITY ? [batch] : splitBatch(batch, this.#maxBytes)
    this.#batches.add(batch, parts)
    this.#wake()
  }

  #wake(): void {
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS)
    this.#sendAll()
  }

  /** Sends what was not sent on this channel; while RabbitMQ does not confirm, only the oldest, to see whether it does. */
  #sendAll(): void {
    if (this.#state.name !== "open") return
    const { channel, client } = this.#state
    const alarm = alarmOf(client, this.#options.publishing())
    if (alarm !== null) {
      this.#reason = alarm
      return
    }
    if (this.#isFailing) {
      const oldest = this.#batches.oldest
      if (oldest !== undefined) this.#send(oldest, channel)
      return
    }
    for (const batch of this.#batches.unsent(channel)) this.#send(batch, channel)
  }

  #send(batch: Batch, channel: AMQPChannel): void {
    if (batch.sentOn === channel || channel.closed) return
    // A process that is killed in between leaves an event without this fact, and no fact of an event that does not exist.
    this.#options.sendEvents()
    batch.sentOn = channel
    batch.isReturned = false
    this.#sentAt = this.#ticks
    this.#tail?.sent(batch)
    this.#options.unread.sent(batch)
    channel
      .basicPublish("", HISTORY_STREAM, batch.bytes, streamProperties(batch.kind, batch.token), true)
      .then(
        () => this.#confirmed(batch, channel),
        (cause: unknown) => this.#failed(batch, channel, cause),
      )
  }

  #confirmed(batch: Batch, channel: AMQPChannel): void {
    if (batch.sentOn !== channel) return
    if (batch.isReturned) {
      this.#hasVanished = true
      this.#reopen(channel, `there is no queue ${HISTORY_STREAM}`)
      return
    }
    this.#batches.remove(batch)
    batch.stored()
    this.#options.unread.stored(batch)
    this.#delays.reset()
    this.#reason = null
    if (!this.#isFailing) return
    this.#isFailing = false
    this.#reports.recovered()
    this.#sendAll()
  }

  #failed(batch: Batch, channel: AMQPChannel, cause: unknown): void {
    if (batch.sentOn !== channel) return
    // A closed channel says why itself.
    if (channel.closed) return
    // Not sent. A connection that is blocked is used again when it is not.
    if (faultOf(cause).kind === "blocked") {
      batch.sentOn = null
      this.#tail?.break()
    } else this.#reopen(channel, refusalText(cause))
  }

  #tick(): void {
    this.#ticks++
    if (this.#batches.oldest === undefined) {
      clearInterval(this.#ticker)
      this.#ticker = undefined
      return
    }
    const waited = this.#batches.oldestWaited
    if (waited !== undefined && this.#ticks - waited.beganAt >= MAX_WAIT_TICKS) {
      this.#isFailing = true
      this.#batches.abandon()
    }
    const isTrouble =
      this.#isFailing && (this.#state.name !== "away" || this.#options.publishing().kind === "up")
    if (isTrouble) this.#reports.failing(this.#reason ?? SILENT)
    if (this.#state.name !== "open") return
    const hasAlarm = alarmOf(this.#state.client, this.#options.publishing()) !== null
    const isSilent = !hasAlarm && this.#ticks - this.#sentAt >= MAX_SILENT_TICKS
    if (isSilent) this.#reopen(this.#state.channel, SILENT)
    else this.#sendAll()
  }

  /** The library calls this synchronously, for errors of the channel and of its connection. */
  #closed(channel: AMQPChannel, text: string): void {
    if (this.#state.name !== "open" || this.#state.channel !== channel) return
    const { client } = this.#state
    const fault = faultOf(text)
    this.#reason = fault.text
    if (fault.kind !== "channel-closed") {
      this.#become({ name: "away" })
      if (endsConnection(faultError(fault))) this.#delays.spareNext(false)
      return
    }
    const size = sizeRefusal(fault)
    if (size === null && LASTING_REFUSALS.has(fault.code)) {
      this.#turnOff(client, fault.text)
      return
    }
    if (size !== null) {
      this.#maxBytes = size.limit
      this.#batches.split(size.limit)
    }
    this.#openLater(client)
  }

  #reopen(channel: AMQPChannel, reason: string): void {
    if (this.#state.name !== "open" || this.#state.channel !== channel) return
    const { client } = this.#state
    this.#reason = reason
    channel.onerror = () => {}
    channel.close().catch(() => {})
    this.#openLater(client)
  }

  #openLater(client: AMQPClient): void {
    this.#openIn(this.#delays.next(this.#hasVanished), { name: "waiting", client })
  }

  #openIn(delayMs: number, state: State & { readonly client: AMQPClient }): void {
    this.#become(state)
    this.#reopenTimer = setTimeout(() => void this.#open(state.client), delayMs)
  }

  async #open(client: AMQPClient): Promise<void> {
    this.#become({ name: this.#state.name === "off" ? "off" : "opening", client })
    const begun = this.#state
    try {
      const { channel, words } = await openFactChannel(client, this.#options.declare)
      if (this.#state !== begun) return void channel.close().catch(() => {})
      channel.onReturn = ({ properties }) => this.#batches.returned(properties.messageId ?? "")
      channel.onerror = (reason) => this.#closed(channel, reason)
      this.#become({ name: "open", client, channel })
      this.#reports.opened(this.#hasVanished, words)
      this.#hasVanished = false
      this.#sendAll()
      this.#options.onOpened(client)
    } catch (error) {
      if (this.#state === begun) this.#openFailed(client, error)
    }
  }

  #openFailed(client: AMQPClient, error: unknown): void {
    this.#reason = refusalText(error)
    const code = replyIn(error)?.code ?? 0
    if (client.closed) {
      if (code === NOT_IMPLEMENTED) this.#turnOff(client, this.#reason)
      else if (this.#state.name !== "off") this.#become({ name: "away" })
      if (endsConnection(error)) this.#delays.spareNext(this.#state.name === "off")
      return
    }
    const isMissing = code === NOT_FOUND && this.#options.mode === "passive"
    if (isMissing || LASTING_REFUSALS.has(code) || this.#state.name === "off")
      this.#turnOff(client, this.#reason)
    else this.#openLater(client)
  }

  #turnOff(client: AMQPClient, reason: string): void {
    const off: State = { name: "off", client }
    this.#become(off)
    this.#isFailing = false
    this.#collected.abandon()
    this.#batches.clear()
    this.#reports.refused(reason)
    if (!client.closed) this.#openIn(REFUSED_FOR_MS, off)
  }
}

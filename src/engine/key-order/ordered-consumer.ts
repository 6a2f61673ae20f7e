import type { HistoryFact } from "../../event/history-fact.ts"
import { MAX_HELD_DELAY_MS, MAX_HELD_PART } from "../../event/retry-bounds.ts"
import type { ConsumeOptions, Delivery, Subscription, Tried } from "../engine.ts"
import type { FactLog } from "../fact-log.ts"
import type { AdapterConsume, AdapterSubscription } from "./adapter-consumer.ts"
import { type HeldSettlement, heldDelivery } from "./held-delivery.ts"
import { KeyLanes } from "./key-lanes.ts"
import { orderingKeyOf } from "./ordering-key.ts"
import { Waits } from "./waits.ts"

/**
 * Deliveries beyond the prefetch, at most one for each event that waits for another of its key, so that other keys go
 * on.
 */
const MAX_LOOK_AHEAD = 1_000

/**
 * The part of the time that the adapter leaves a delivery unsettled after which all waiting events are given back, and
 * how often the consumer looks in that time.
 */
const GIVE_BACK_PART = 1 / 2
const LOOKS = 8

export interface OrderedConsumerOptions {
  readonly consume: ConsumeOptions
  readonly adapter: AdapterConsume
  /** True if the adapter can change the prefetch of a consumer. */
  readonly canWiden: boolean
  /** How long the adapter leaves a delivery unsettled, in milliseconds; null for no limit. */
  readonly maxUnsettledMs: number | null
  /** Takes the facts of attempts whose retry is held; null if nothing records them. */
  readonly facts: Pick<FactLog, "append"> | null
}

/** Holds back events with an ordering key, from the start of an adapter's consumer to its end. */
const newHolding = () => ({ lanes: new KeyLanes(), waits: new Waits() })

type Holding = ReturnType<typeof newHolding>

/** Starts a consumer with the order that it asks for. */
export function consumeWith(options: OrderedConsumerOptions): Subscription {
  const { consume, adapter } = options
  if (consume.order === "by-key") return new OrderedConsumer(options)
  const { prefetch, onDelivery, onReturned } = consume
  const subscription = adapter({ prefetch, onDelivery, ...(onReturned && { onReturned }) })
  return {
    waiting: 0,
    retrying: 0,
    get isConsuming() {
      return subscription.isConsuming
    },
    cancel: () => subscription.cancel(),
  }
}

/**
 * Delivers the events of one key one at a time and in order, and those of other keys beside them. Takes deliveries
 * beyond the prefetch for that, from an adapter that knows no keys, and starts the adapter's consumer again if it has
 * to.
 */
class OrderedConsumer implements Subscription {
  readonly #options: OrderedConsumerOptions
  #state: "consuming" | "restarting" | "cancelled" = "consuming"
  #subscription: AdapterSubscription
  #holding = newHolding()
  /** Deliveries with a key that are not settled, with their time of arrival, the oldest first. */
  readonly #held = new Map<Promise<void>, number>()
  #look: Timer | undefined
  #prefetch = 0
  /** Takes one event at a time, until the consumer may take more. */
  #isCautious = false

  constructor(options: OrderedConsumerOptions) {
    this.#options = options
    this.#subscription = this.#begin()
  }

  get isConsuming(): boolean {
    return this.#state === "consuming" && this.#subscription.isConsuming
  }

  get waiting(): number {
    return this.#holding.lanes.waiting
  }

  get retrying(): number {
    return this.#holding.waits.size
  }

  cancel(): Promise<void> {
    this.#state = "cancelled"
    return this.#end()
  }

  #begin(): AdapterSubscription {
    const { adapter, canWiden, consume } = this.#options
    const { prefetch, mayTakeMore, onReturned } = consume
    this.#holding = newHolding()
    this.#isCautious = canWiden && mayTakeMore !== undefined
    this.#prefetch = this.#isCautious ? 1 : prefetch
    this.#lookForOld()
    return adapter({
      prefetch: this.#prefetch,
      lookAhead: MAX_LOOK_AHEAD + prefetch - this.#prefetch,
      onDelivery: (delivery) => this.#take(delivery),
      ...(onReturned && { onReturned }),
    })
  }

  /** Gives back the events that wait. Resolves when nothing of this consumer is unsettled any more. */
  async #end(): Promise<void> {
    clearInterval(this.#look)
    const cancelled = this.#subscription.cancel()
    this.#holding.lanes.close()
    this.#holding.waits.end()
    await cancelled
    while (this.#held.size > 0) await Promise.all(this.#held.keys())
  }

  #restart(): void {
    if (this.#state !== "consuming") return
    this.#state = "restarting"
    void this.#end().then(() => {
      if (this.#state !== "restarting") return
      this.#state = "consuming"
      this.#subscription = this.#begin()
    })
  }

  /**
   * Gives everything back, in order and with its attempts, before the adapter takes away a delivery whose event waits
   * for others of its key or for its next attempt.
   */
  #lookForOld(): void {
    const maxMs = this.#options.maxUnsettledMs
    if (maxMs === null) return
    this.#look = setInterval(() => {
      const [oldest] = this.#held.values()
      const isOld = oldest !== undefined && performance.now() - oldest > maxMs * GIVE_BACK_PART
      if (isOld && this.#heldBack > 0) this.#restart()
    }, maxMs / LOOKS)
    // The deliveries of an engine that is closed are gone, so this keeps no process alive.
    this.#look.unref()
  }

  /** Returns true if the part of the delivery's time is over after which waiting events are given back. */
  #isOld({ takenBackAt }: Delivery): boolean {
    const maxMs = this.#options.maxUnsettledMs
    if (maxMs === null || takenBackAt === null) return false
    return performance.now() > takenBackAt - maxMs * (1 - GIVE_BACK_PART)
  }

  /** Number of events that wait for another of their key, or for their next attempt. */
  get #heldBack(): number {
    const { lanes, waits } = this.#holding
    return lanes.waiting + waits.size
  }

  #take(delivery: Delivery): void {
    const { onDelivery, mayTakeMore } = this.#options.consume
    if (this.#isCautious && mayTakeMore?.(delivery) !== false) {
      this.#isCautious = false
      this.#lookAhead()
    }
    const key = orderingKeyOf(delivery)
    if (key === null) {
      onDelivery(delivery)
      return
    }
    this.#subscription.keepOrder()
    const handled = this.#deliverInTurn(delivery, key, this.#holding)
    this.#held.set(handled, performance.now())
    void handled.then(() => this.#held.delete(handled))
  }

  /** Never rejects. */
  async #deliverInTurn(delivery: Delivery, key: string, holding: Holding): Promise<void> {
    const turn = holding.lanes.enter(key)
    this.#lookAhead()
    if (!(await turn)) return this.#giveBack(delivery, null)
    await this.#deliverUntilSettled(delivery, holding)
    holding.lanes.leave(key)
    this.#lookAhead()
  }

  /** Never rejects. */
  async #deliverUntilSettled(delivery: Delivery, { waits }: Holding): Promise<void> {
    if (delivery.isLost || this.#state === "cancelled") return this.#giveBack(delivery, null)
    let settlement = await this.#deliver(delivery, null)
    while (settlement.kind === "retry") {
      const { delayMs, failure, fact, end } = settlement
      const appended = this.#append(fact)
      const tried = { attempts: failure.attempts, failure }
      // The next attempt may take as long as this one did.
      if (this.#isOld(delivery)) this.#restart()
      const mayGoOn = await this.#wait(waits, delayMs)
      await appended
      if (!mayGoOn) {
        const givenBack = this.#giveBack(delivery, tried)
        end(givenBack)
        return givenBack
      }
      // A lost delivery has come again, and waits for its turn behind this one.
      if (delivery.isLost) return end()
      const next = this.#deliver(delivery, tried)
      end()
      settlement = await next
    }
    // The consumer has the error. The engine delivers the event again.
    await settlement.done.catch(() => {})
  }

  /** Never rejects: an engine that appends nothing settles nothing either, and delivers the event again. */
  async #append(fact: HistoryFact | undefined): Promise<void> {
    if (fact !== undefined) await this.#options.facts?.append(fact).catch(() => {})
  }

  #deliver(delivery: Delivery, tried: Tried | null): Promise<HeldSettlement> {
    return new Promise((resolve) => {
      this.#options.consume.onDelivery(heldDelivery(delivery, tried, resolve))
    })
  }

  /** Holds an event until its next attempt. Resolves with false if the consumer ends before. */
  async #wait(waits: Waits, delayMs: number): Promise<boolean> {
    const mostMs = (this.#options.maxUnsettledMs ?? Number.POSITIVE_INFINITY) * MAX_HELD_PART
    const wait = waits.for(Math.min(delayMs, MAX_HELD_DELAY_MS, mostMs))
    this.#lookAhead()
    const isOver = await wait
    if (isOver) this.#lookAhead()
    return isOver
  }

  /** Never rejects: an event that can't be given back is delivered again by itself. */
  async #giveBack(delivery: Delivery, tried: Tried | null): Promise<void> {
    this.#options.consume.onReturned?.(delivery)
    await delivery.release(tried ?? undefined).catch(() => {})
  }

  /** Raises the prefetch by the number of events that wait. */
  #lookAhead(): void {
    if (this.#state !== "consuming") return
    const prefetch =
      (this.#isCautious ? 1 : this.#options.consume.prefetch) + Math.min(MAX_LOOK_AHEAD, this.#heldBack)
    if (prefetch === this.#prefetch) return
    this.#prefetch = prefetch
    if (!this.#subscription.setPrefetch(prefetch)) this.#restart()
  }
}

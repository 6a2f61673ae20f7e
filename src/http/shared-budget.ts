/**
 * Returns the client that takes an amount. The text identifies the client, also in messages: "the key voice".
 */
export type WhoTakes = () => string

/** Why an amount was refused: the client's share is used up, or the total. */
export type Shortage = "share" | "total"

/**
 * Part of the total that is given without identifying the client. Looking up the address of a connection
 * costs a tenth of a publish, and while so little is taken no client gets in another's way.
 */
const UNASKED_PART = 1 / 16

/**
 * A budget smaller than this many of the largest amounts is small: a client may then take one of them,
 * however little stays free.
 */
const SMALL_BUDGET = 4

/** Holds the amounts that were given without identifying a client. No client has this name. */
const NOBODY = ""

/**
 * An amount that clients share, so that none can take it all. A client may hold as much as stays free: a
 * single client gets half, two get a third each, and something is always left for the next one. Source: A. K.
 * Choudhury and E. L. Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998.
 */
export class SharedBudget {
  readonly #total: number
  readonly #guaranteed: number
  readonly #byClient = new Map<string, number>()
  #taken = 0

  /**
   * @param largest the largest amount that one request needs; a client may always take one if it is free.
   * Default: 1.
   */
  constructor(total: number, largest = 1) {
    this.#total = total
    this.#guaranteed = largest * SMALL_BUDGET > total ? largest : 0
  }

  /** The amount taken now. */
  get taken(): number {
    return this.#taken
  }

  /** Returns the client to charge for another `amount`: nobody while little is taken. */
  payerOf(who: WhoTakes, amount: number): string {
    return this.#taken + amount <= this.#total * UNASKED_PART ? NOBODY : who()
  }

  /** Returns why a client can't take another `amount`; null if it can. */
  shortageOf(client: string, amount: number): Shortage | null {
    const free = this.#total - this.#taken - amount
    if (free < 0) return "total"
    if (client === NOBODY) return null
    const held = (this.#byClient.get(client) ?? 0) + amount
    return held <= Math.max(free, this.#guaranteed) ? null : "share"
  }

  /** Charges a client; a negative amount is a refund. */
  charge(client: string, amount: number): void {
    this.#taken += amount
    if (client === NOBODY) return
    const held = (this.#byClient.get(client) ?? 0) + amount
    if (held === 0) this.#byClient.delete(client)
    else this.#byClient.set(client, held)
  }
}

/** The part of a budget that one request holds until it is disposed of. */
export class Account implements Disposable {
  readonly #budget: SharedBudget
  readonly #who: WhoTakes
  #unasked = 0
  /** The client charged for the rest; null until one was charged. */
  #client: string | null = null
  #own = 0
  #isClosed = false

  constructor(budget: SharedBudget, who: WhoTakes) {
    this.#budget = budget
    this.#who = who
  }

  /** Takes another `amount`. If that is not possible, takes nothing and returns the reason. */
  take(amount: number): Shortage | null {
    // Bytes that arrive after the end of a request are dropped.
    if (this.#isClosed) return null
    const payer = this.#payerOf(amount)
    const shortage = this.#budget.shortageOf(payer, amount)
    if (shortage !== null) return shortage
    if (payer === NOBODY) this.#unasked += amount
    else this.#own += amount
    this.#budget.charge(payer, amount)
    return null
  }

  /** Gives back everything above `amount`. */
  keep(amount: number): void {
    const back = Math.max(0, this.#unasked + this.#own - amount)
    const own = Math.min(back, this.#own)
    this.#own -= own
    this.#unasked -= back - own
    if (own > 0) this.#budget.charge(this.#client ?? NOBODY, -own)
    if (back > own) this.#budget.charge(NOBODY, own - back)
  }

  [Symbol.dispose](): void {
    this.keep(0)
    this.#isClosed = true
  }

  #payerOf(amount: number): string {
    const payer = this.#client ?? this.#budget.payerOf(this.#who, amount)
    if (payer !== NOBODY) this.#client = payer
    return payer
  }
}

/** Returns who takes a part. The text identifies the client and names it in messages, for example "the key voice". */
export type WhoTakes = () => string

/** Why a part was not given: the client has its share, or all clients together have everything. */
export type Shortage = "share" | "total"

/**
 * Part of the total that is given without asking who takes it. Finding out the address of a connection costs a tenth of
 * a publish, and while so little is taken no client is in another's way.
 */
const UNASKED_PART = 1 / 16

/** A budget of fewer of the largest parts is small: then a client may take one of them, however little stays free. */
const SMALL_BUDGET = 4

/** Holds what was given without asking. No client has this name. */
const NOBODY = ""

/**
 * An amount that clients share, so that none can take it from the others. A client may hold as much as stays free: one
 * client alone gets half, two get a third each, and there is always something left for the next one. Source: A. K.
 * Choudhury and E. L. Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998.
 */
export class SharedBudget {
  readonly #total: number
  readonly #guaranteed: number
  readonly #byClient = new Map<string, number>()
  #taken = 0

  /** @param largest the largest part that one request needs. A client may always take one if it is there. Default: 1. */
  constructor(total: number, largest = 1) {
    this.#total = total
    this.#guaranteed = largest * SMALL_BUDGET > total ? largest : 0
  }

  /** What is taken at this moment. */
  get taken(): number {
    return this.#taken
  }

  /** Returns who is to be charged for so much more: nobody while there is plenty. */
  payerOf(who: WhoTakes, amount: number): string {
    return this.#taken + amount <= this.#total * UNASKED_PART ? NOBODY : who()
  }

  /** Returns why a client can't take so much more; null if it can. */
  shortageOf(client: string, amount: number): Shortage | null {
    const free = this.#total - this.#taken - amount
    if (free < 0) return "total"
    if (client === NOBODY) return null
    const held = (this.#byClient.get(client) ?? 0) + amount
    return held <= Math.max(free, this.#guaranteed) ? null : "share"
  }

  /** Charges a client for so much more; for less, if it is negative. */
  charge(client: string, amount: number): void {
    this.#taken += amount
    if (client === NOBODY) return
    const held = (this.#byClient.get(client) ?? 0) + amount
    if (held === 0) this.#byClient.delete(client)
    else this.#byClient.set(client, held)
  }
}

/** What one request holds of a budget, until it is disposed of. */
export class Account implements Disposable {
  readonly #budget: SharedBudget
  readonly #who: WhoTakes
  #unasked = 0
  /** Who is charged for the rest; null before somebody was. */
  #client: string | null = null
  #own = 0
  #isClosed = false

  constructor(budget: SharedBudget, who: WhoTakes) {
    this.#budget = budget
    this.#who = who
  }

  /** Takes so much more, or returns why not; then nothing is taken. */
  take(amount: number): Shortage | null {
    // What arrives after the end of a request is dropped.
    if (this.#isClosed) return null
    const payer = this.#payerOf(amount)
    const shortage = this.#budget.shortageOf(payer, amount)
    if (shortage !== null) return shortage
    if (payer === NOBODY) this.#unasked += amount
    else this.#own += amount
    this.#budget.charge(payer, amount)
    return null
  }

  /** Gives back all but so much. */
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

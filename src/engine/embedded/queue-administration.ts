import { reasonOf } from "../../system/reason-of.ts"
import type { DeclareOptions, QueueDeclaration } from "../engine.ts"
import {
  EngineStartError,
  EngineUnavailableError,
  QueueInUseError,
  QueueNotEmptyError,
  UnknownQueueError,
} from "../errors.ts"
import type {
  DeletedQueue,
  DeleteQueueOptions,
  PurgedQueue,
  QueueAdministration,
  QueueKnowledge,
  UnboundQueue,
} from "../queue-administration.ts"
import type { Operate, OperationNeeds } from "./commit/turn.ts"
import type { DeadLetterAdministration } from "./dead-letter-administration.ts"
import type { WaitingState } from "./store/message-store.ts"
import type { Queue } from "./store/queue.ts"
import type { Tables } from "./store/tables.ts"

/** Most events deleted in one turn, so that the event loop keeps running. */
const MAX_DELETED_PER_TURN = 1_000

/** A declaration is small, and deletions free space on a full disk. */
const NEEDS: OperationNeeds = { room: false }

export interface EmbeddedQueueAdministrationOptions extends Pick<Tables, "catalog" | "messages" | "facts"> {
  readonly deadLetters: DeadLetterAdministration
  readonly operate: Operate
}

/**
 * Declares, deletes, purges and unbinds queues in steps. Each step is part of a turn; the event loop runs in
 * between.
 */
export class EmbeddedQueueAdministration implements QueueAdministration {
  readonly #options: EmbeddedQueueAdministrationOptions

  constructor(options: EmbeddedQueueAdministrationOptions) {
    this.#options = options
  }

  /** No other instance uses the store. */
  hold(): void {}

  async knowledge(): Promise<QueueKnowledge> {
    return "all"
  }

  /** The store is locked by its process. */
  async instances(): Promise<number> {
    return 1
  }

  /** @throws {EngineStartError | EngineUnavailableError} if that can't be written. */
  async declare(queues: readonly QueueDeclaration[], { whenAway = "later" }: DeclareOptions): Promise<void> {
    const { catalog, operate } = this.#options
    try {
      catalog.adopt(await operate(() => catalog.write(queues), NEEDS))
    } catch (cause) {
      const message = `the queues can't be declared: ${reasonOf(cause)}`
      if (whenAway === "reject") throw new EngineUnavailableError(message, { cause })
      throw new EngineStartError(message, { cause })
    }
  }

  async delete(name: string, { ifEmpty = false }: DeleteQueueOptions = {}): Promise<DeletedQueue> {
    const { catalog, deadLetters } = this.#options
    const queue = catalog.get(name)
    let deleted = { events: 0, deadLetters: 0 }
    if (!ifEmpty) {
      await this.#requireUnused(queue)
      // Without bindings the queue receives no more events, so the steps come to an end.
      await this.#unbind(queue)
    }
    while (true) {
      const refusal = await this.#options.operate(() => this.#erase(queue), NEEDS)
      if (refusal === null) break
      if (ifEmpty || !(refusal instanceof QueueNotEmptyError)) throw refusal
      const events = (await this.#discard(queue, "ready")) + (await this.#discard(queue, "delayed"))
      const { purged } = await deadLetters.purge(queue, {})
      deleted = { events: deleted.events + events, deadLetters: deleted.deadLetters + purged }
    }
    catalog.remove(queue)
    return deleted
  }

  async purge(name: string): Promise<PurgedQueue> {
    return { purged: await this.#discard(this.#options.catalog.get(name), "ready") }
  }

  async unbind(name: string): Promise<UnboundQueue> {
    const queue = this.#options.catalog.get(name)
    const { bindings } = queue.declaration
    await this.#unbind(queue)
    return { bindings }
  }

  async #requireUnused(queue: Queue): Promise<void> {
    const { name } = queue.declaration
    if (await this.#options.operate(() => this.#isUsed(queue), NEEDS)) throw new QueueInUseError(name)
  }

  #isUsed(queue: Queue): boolean {
    return queue.consumers.size > 0 || this.#options.messages.hasUnsettled(queue.id)
  }

  async #unbind(queue: Queue): Promise<void> {
    const { catalog, operate } = this.#options
    catalog.adopt(await operate(() => catalog.write([{ ...queue.declaration, bindings: [] }]), NEEDS))
  }

  /**
   * Deletes the queue itself, or returns why not. Publishes come later in the turn and no longer see the
   * queue.
   */
  #erase(queue: Queue): Error | null {
    const { catalog } = this.#options
    const { name } = queue.declaration
    if (queue.isDeleted) return new UnknownQueueError(name, [])
    if (this.#isUsed(queue)) return new QueueInUseError(name)
    const events = queue.ready + queue.delayed
    if (events + queue.deadLetters > 0) return new QueueNotEmptyError(name, events, queue.deadLetters)
    catalog.erase(queue)
    return null
  }

  /** Deletes the events that are in this state now. Resolves with their number. */
  async #discard(queue: Queue, state: WaitingState): Promise<number> {
    const { operate, messages, facts } = this.#options
    let total = 0
    let through: number | undefined
    while (true) {
      const count = await operate(() => {
        through ??= messages.lastPosition
        const ids: string[] = []
        const onDiscard = (event: number): void => {
          const id = facts === null ? null : messages.idOf(event)
          if (id !== null) ids.push(id)
        }
        const discarded = messages.discard(
          { queue: queue.id, state, through, limit: MAX_DELETED_PER_TURN },
          onDiscard,
        )
        facts?.notePurged(queue, "queue", ids)
        queue[state] -= discarded
        return discarded
      }, NEEDS)
      total += count
      if (count < MAX_DELETED_PER_TURN) return total
    }
  }
}

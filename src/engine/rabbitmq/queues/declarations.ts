import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { DeclareOptions, QueueDeclaration } from "../../engine.ts"
import { EngineStartError, EngineUnavailableError, QueueRefusedError } from "../../errors.ts"
import { durably, queueArguments } from "../topology/queue-arguments.ts"
import { queueRefused } from "../topology/refusals.ts"
import type { Repairs } from "../topology/repairs.ts"
import { deadQueueOf, type Topology } from "../topology/topology.ts"
import { faultOf, refusalText } from "../wire/broker-fault.ts"
import { askQueue } from "./ask-queue.ts"
import type { OwnQueues } from "./own-queues.ts"
import { QueueLook } from "./queue-look.ts"
import type { QueueRegister } from "./queue-register.ts"

export interface DeclarationsOptions {
  readonly topology: Topology
  readonly own: OwnQueues
  readonly repairs: Pick<Repairs, "refused" | "refuse" | "forget">
  readonly register: Pick<QueueRegister, "get" | "knowledge">
  /** Ends the connection for publishing: the next one declares every queue first. */
  readonly reset: () => void
}

/** Declares the queues of this instance: as a whole when they change, and each by itself on a new connection. */
export class Declarations {
  readonly #options: DeclarationsOptions
  /** The queues of the last set. */
  #names: ReadonlySet<string> = new Set()
  /** Earlier declarations, whose bindings could not be removed because the connection was lost. */
  #replaced = new Map<string, QueueDeclaration>()

  constructor(options: DeclarationsOptions) {
    this.#options = options
  }

  /**
   * Declares queues, or none of them: RabbitMQ is asked about each before the first is declared. If one is refused
   * nevertheless, new bindings are removed again, because nothing would handle their events.
   * @throws {QueueRefusedError | EngineStartError}
   * @throws {EngineUnavailableError} if RabbitMQ can't say whether it takes them, and `whenAway` is `reject`
   */
  async change(
    client: AMQPClient,
    queues: readonly QueueDeclaration[],
    { whenAway = "later" }: DeclareOptions,
  ): Promise<void> {
    const { topology, own, reset } = this.#options
    let missing: ReadonlySet<string>
    try {
      missing = await this.#check(client, queues)
    } catch (error) {
      if (error instanceof EngineStartError) throw error
      if (whenAway === "reject") throw unanswered(error)
      this.accept(queues)
      reset()
      return
    }
    try {
      await topology.declare(client, queues, own)
    } catch (error) {
      const isRefused = error instanceof EngineStartError
      if (!isRefused && (client.closed || whenAway === "later")) {
        for (const { name } of queues) this.#replace(name)
        reset()
      } else {
        await this.#undo(client, queues, missing)
        throw isRefused ? error : unanswered(error)
      }
    }
    this.accept(queues)
  }

  /** Makes queues those of this instance. A queue that RabbitMQ refused before is given up, unless it is one of them. */
  accept(queues: readonly QueueDeclaration[]): void {
    const { own, repairs } = this.#options
    const names = new Set(queues.map(({ name }) => name))
    for (const name of repairs.refused) if (!names.has(name)) own.remove(name)
    for (const name of [...repairs.refused, ...names]) repairs.forget(name)
    own.add(queues)
    this.#names = names
    void this.#giveUpOthers(names)
  }

  /**
   * Whoever declares a queue declares it again after its deletion, so queues of removed modules are those of this instance
   * no longer, once they are known from the register. Never rejects.
   */
  async #giveUpOthers(names: ReadonlySet<string>): Promise<void> {
    const { own, register } = this.#options
    await register.knowledge()
    if (names !== this.#names) return
    for (const { name } of own.values()) {
      if (!names.has(name) && register.get(name) !== undefined) own.remove(name)
    }
  }

  /**
   * Declares the queues of this instance on a new connection. One that RabbitMQ refuses is tried again later: it keeps
   * nobody from the others.
   * @throws {EngineStartError} if an exchange is refused
   * @throws an error that `faultOf` reads, for everything else.
   */
  async restore(client: AMQPClient): Promise<void> {
    const { topology, own, repairs } = this.#options
    try {
      await topology.declare(client, own.values(), this.#replaced)
    } catch (error) {
      if (!isOfOneObject(error)) throw error
      await topology.declare(client, [])
      for (const queue of own.values()) {
        try {
          await topology.declare(client, [queue], this.#replaced)
        } catch (fault) {
          if (!isOfOneObject(fault)) throw fault
          repairs.refuse(queue.name, fault)
        }
      }
    }
    this.#replaced.clear()
  }

  /**
   * Asks RabbitMQ whether it takes these queues with their dead-letter queues, and changes nothing. Asks nothing in passive
   * mode, where a declaration changes nothing either.
   * @returns the names of the queues that do not exist
   * @throws {QueueRefusedError} for the first queue that it does not take
   * @throws an error that `faultOf` reads, or an `EngineUnavailableError`, if RabbitMQ can't tell
   */
  async #check(client: AMQPClient, queues: readonly QueueDeclaration[]): Promise<ReadonlySet<string>> {
    const { mode, queueType } = this.#options.topology
    const missing = new Set<string>()
    if (mode === "passive") return missing
    await using look = new QueueLook(client)
    for (const queue of queues) {
      const { name } = queue
      const parts = [
        { part: deadQueueOf(name), args: durably(queueType) },
        { part: name, args: queueArguments(queue, queueType) },
      ]
      for (const { part, args } of parts) {
        const answer = await askQueue(look, part, args)
        if (answer.kind === "refused") throw queueRefused(part, name, answer.fault, false)
        if (answer.kind === "missing" && part === name) missing.add(name)
      }
    }
    return missing
  }

  #replace(name: string): void {
    const before = this.#options.own.get(name)
    if (before !== undefined) this.#replaced.set(name, before)
  }

  /**
   * Removes the bindings that nobody had before. No queue is deleted, because another instance may have declared it.
   * @param missing queues that did not exist before
   */
  async #undo(
    client: AMQPClient,
    queues: readonly QueueDeclaration[],
    missing: ReadonlySet<string>,
  ): Promise<void> {
    const { topology, own, register } = this.#options
    if (topology.mode === "passive") return
    for (const { name, bindings } of queues) {
      const recorded = register.get(name)
      // Without a record, it is not known which bindings of a queue are those of other instances.
      if (recorded === undefined && !missing.has(name)) continue
      const kept = new Set([...(own.get(name)?.bindings ?? []), ...(recorded?.bindings ?? [])])
      const added = bindings.filter((pattern) => !kept.has(pattern))
      // A queue that was not declared yet has no bindings.
      if (added.length > 0) await topology.unbind(client, name, added).catch(() => {})
    }
  }
}

const isOfOneObject = (error: unknown): boolean =>
  error instanceof QueueRefusedError || faultOf(error).kind === "channel-closed"

const unanswered = (cause: unknown): EngineUnavailableError =>
  new EngineUnavailableError(`RabbitMQ can't say whether it takes the queues: ${refusalText(cause)}`, {
    cause,
  })

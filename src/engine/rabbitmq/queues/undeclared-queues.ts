import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { QueueDeclaration } from "../../engine.ts"
import type { Report } from "../../report.ts"
import type { QueueType } from "../connection/capabilities.ts"
import { replyIn } from "../wire/broker-fault.ts"
import type { QueueLook } from "./queue-look.ts"
import { askOwnership, type Ownership } from "./queue-ownership.ts"
import type { QueueRegister } from "./queue-register.ts"

export interface UndeclaredQueuesOptions {
  readonly register: Pick<QueueRegister, "get" | "undeclared" | "namesOf">
  readonly queueType: QueueType
  /** Called if RabbitMQ says that a queue of the register is gone. */
  readonly onGone: (queue: string) => Promise<void>
  readonly report: Report
}

interface Answer {
  readonly client: AMQPClient
  readonly declaration: QueueDeclaration
  readonly ownership: Ownership
}

/**
 * The queues that other instances declared. The register proposes them and RabbitMQ confirms them: any program can write
 * to the register, and a queue of another program is not to be shown, emptied or deleted because of it.
 */
export class UndeclaredQueues {
  readonly #options: UndeclaredQueuesOptions
  /** RabbitMQ's answers, by name. Each holds for the connection that asked, and for the register's content at that time. */
  readonly #answers = new Map<string, Answer>()
  /** Foreign queues that the log has. */
  readonly #told = new Set<string>()

  constructor(options: UndeclaredQueuesOptions) {
    this.#options = options
  }

  /** The queues that RabbitMQ confirms. It is asked once for each queue and connection. */
  async confirmed(look: QueueLook): Promise<readonly QueueDeclaration[]> {
    const queues = this.#options.register.undeclared()
    const confirmed: QueueDeclaration[] = []
    for (const queue of queues) if (await this.#isConfirmed(look, queue)) confirmed.push(queue)
    return confirmed
  }

  /** The names that were confirmed last. */
  get names(): readonly string[] {
    return this.#options.register
      .undeclared()
      .flatMap(({ name }) => (this.#answers.get(name)?.ownership.kind === "ours" ? [name] : []))
  }

  /**
   * Finds a queue by its name, and asks RabbitMQ anew. Undefined if the register has none, or RabbitMQ does not confirm it.
   * @throws an error that `faultOf` reads, if RabbitMQ can't tell.
   */
  async find(look: QueueLook, name: string): Promise<QueueDeclaration | undefined> {
    const queue = this.#options.register.get(name)
    if (queue === undefined) return undefined
    return (await this.#ask(look, queue)).kind === "ours" ? queue : undefined
  }

  /** The queues that an event goes to. One that was not asked for yet counts: it may be full too. */
  route(routingKey: string): readonly QueueDeclaration[] {
    return this.namesOf(routingKey).flatMap((name) => this.#options.register.get(name) ?? [])
  }

  /** Returns the names of those queues. */
  namesOf(routingKey: string): readonly string[] {
    const isForeign = (name: string): boolean => this.#answers.get(name)?.ownership.kind === "foreign"
    return this.#options.register.namesOf(routingKey).filter((name) => !isForeign(name))
  }

  /** RabbitMQ did not find the queue: asks anew at the next look. */
  forget(name: string): void {
    this.#answers.delete(name)
  }

  async #isConfirmed(look: QueueLook, queue: QueueDeclaration): Promise<boolean> {
    const answer = this.#answers.get(queue.name)
    if (answer?.client === look.client && answer.declaration === queue)
      return answer.ownership.kind === "ours"
    try {
      return (await this.#ask(look, queue)).kind === "ours"
    } catch (error) {
      // The next look asks again. What ends the connection ends this look too.
      if (replyIn(error) === null || look.client.closed) throw error
      return false
    }
  }

  async #ask(look: QueueLook, queue: QueueDeclaration): Promise<Ownership> {
    const { name } = queue
    const ownership = await askOwnership(look, queue, this.#options.queueType)
    if (ownership.kind === "missing") {
      this.#answers.delete(name)
      await this.#options.onGone(name)
    } else this.#answers.set(name, { client: look.client, declaration: queue, ownership })
    if (ownership.kind === "foreign") this.#tell(name, ownership.reason)
    return ownership
  }

  #tell(queue: string, reason: string): void {
    if (this.#told.has(queue)) return
    this.#told.add(queue)
    this.#options.report(
      "warn",
      "the register names a queue that this service did not declare, or may not look at: it is left alone",
      { queue, reason },
    )
  }
}

import type { Database } from "bun:sqlite"
import { isDeepStrictEqual } from "node:util"
import { crc32 } from "node:zlib"
import * as v from "valibot"
import { QueueDeclarationSchema } from "../../declaration-schema.ts"
import type { QueueDeclaration, QueueStats } from "../../engine.ts"
import { UnknownQueueError } from "../../errors.ts"
import { RoutingTable } from "../../routing-table.ts"
import type { MessageStore } from "./message-store.ts"
import type { Queue } from "./queue.ts"
import { requireOne, StoreDamagedError } from "./store-damage.ts"

interface StoredQueue {
  readonly id: number
  /** Texts, if they are not damaged. */
  readonly name: unknown
  readonly declaration: unknown
  readonly checksum: number | null
}

/** Queues that were written, with their ids. */
export type DeclaredQueues = readonly { readonly id: number; readonly declaration: QueueDeclaration }[]

/** The queues and their bindings. They are stored and outlive the process. */
export class QueueCatalog {
  readonly #queues = new Map<string, Queue>()
  readonly #routes = new RoutingTable<Queue>()
  readonly #store: MessageStore
  readonly #upsert
  readonly #delete

  constructor(database: Database, store: MessageStore) {
    this.#store = store
    this.#upsert = database.prepare<{ id: number }, [string, string, number]>(
      "INSERT INTO queues (name, declaration, checksum) VALUES (?1, ?2, ?3)" +
        " ON CONFLICT (name) DO UPDATE SET declaration = ?2, checksum = ?3 RETURNING id",
    )
    this.#delete = database.prepare<never, [number]>("DELETE FROM queues WHERE id = ?")
    const stored = database.query<StoredQueue, []>("SELECT id, name, declaration, checksum FROM queues").all()
    store.transaction(() => {
      for (const queue of stored) {
        store.recover(queue.id)
        const declaration = declarationOf(queue)
        // Adds the missing checksum of an earlier version, because declaring the queue again without a change
        // writes nothing.
        if (queue.checksum === null) this.#upsertQueue(declaration)
        this.#add(queue.id, declaration)
      }
    })
  }

  /**
   * Writes queues that are new or whose declaration changed, in the transaction of a turn. They take effect
   * when `adopt` is called with the result.
   */
  write(declarations: readonly QueueDeclaration[]): DeclaredQueues {
    const changed = declarations.filter(
      (declaration) => !isDeepStrictEqual(this.#present(declaration.name)?.declaration, declaration),
    )
    return changed.map((declaration) => {
      const id = this.#upsertQueue(declaration)
      if (id === undefined) throw new Error(`SQLite returned no id for the queue ${declaration.name}`)
      return { id, declaration }
    })
  }

  /** Applies declarations that were written. */
  adopt(declared: DeclaredQueues): void {
    for (const { id, declaration } of declared) {
      const known = this.#present(declaration.name)
      if (known === undefined) this.#add(id, declaration)
      else {
        known.declaration = declaration
        this.#routes.bind(known, declaration.bindings)
      }
    }
  }

  /**
   * Deletes an empty queue, in the transaction of a turn. It stays in the catalog until `remove` is called.
   */
  erase(queue: Queue): void {
    requireOne(this.#delete.run(queue.id))
    queue.isDeleted = true
  }

  /** Removes an erased queue from the catalog, unless another one was declared under its name. */
  remove(queue: Queue): void {
    const { name } = queue.declaration
    if (this.#queues.get(name) === queue) this.#queues.delete(name)
    this.#routes.remove(queue)
  }

  /** @throws {UnknownQueueError} */
  get(name: string): Queue {
    const queue = this.#present(name)
    if (queue === undefined) throw new UnknownQueueError(name, this.#queues.keys())
    return queue
  }

  all(): readonly Queue[] {
    return [...this.#queues.values()]
  }

  /**
   * @param settling queues of the deliveries whose outcome is not written yet, one for each delivery
   * @param now on the store's clock
   */
  stats(settling: readonly Queue[], now: number): readonly QueueStats[] {
    return this.all().map((queue) => ({
      name: queue.declaration.name,
      bindings: queue.declaration.bindings,
      messageCount: queue.ready,
      unsettledCount: queue.unsettled,
      settlingCount: settling.reduce((count, each) => count + Number(each === queue), 0),
      retryingCount: queue.delayed,
      oldestWaitingMs: this.#oldestWaitingMs(queue, now),
      consumerCount: queue.consumers.size,
      isHeldElsewhere: false,
      deadLetterCount: queue.deadLetters,
      maxLength: queue.declaration.maxLength,
      overflow: queue.declaration.overflow,
    }))
  }

  route(routingKey: string): readonly Queue[] {
    return this.#routes.route(routingKey)
  }

  /**
   * Reads the counts from the store again, because a turn that was rolled back had changed them. Its
   * deletions did not happen.
   */
  recount(): void {
    for (const queue of this.#queues.values()) {
      queue.isDeleted = false
      Object.assign(queue, this.#store.counts(queue.id))
    }
  }

  close(): void {
    this.#upsert.finalize()
    this.#delete.finalize()
  }

  #oldestWaitingMs(queue: Queue, now: number): number | null {
    if (queue.ready === 0) return 0
    try {
      const oldest = this.#store.oldest(queue.id)
      return oldest === null ? null : Math.max(0, now - oldest.queuedAt)
    } catch {
      // A store that is closed or damaged can't be read: the engine's status says so.
      return null
    }
  }

  #present(name: string): Queue | undefined {
    const queue = this.#queues.get(name)
    return queue?.isDeleted ? undefined : queue
  }

  #upsertQueue(declaration: QueueDeclaration): number | undefined {
    const json = JSON.stringify(declaration)
    return this.#upsert.get(declaration.name, json, checksumOf(declaration.name, json))?.id
  }

  #add(id: number, declaration: QueueDeclaration): void {
    const counts = this.#store.counts(id)
    const queue: Queue = { id, declaration, ...counts, consumers: new Set(), isDeleted: false }
    this.#queues.set(declaration.name, queue)
    this.#routes.bind(queue, declaration.bindings)
  }
}

const checksumOf = (name: string, declaration: string): number => crc32(declaration, crc32(name))

/**
 * @throws {StoreDamagedError} if the declaration is not what was stored: a changed binding would lose events
 * silently.
 */
function declarationOf({ name, declaration, checksum }: StoredQueue): QueueDeclaration {
  const areTexts = typeof name === "string" && typeof declaration === "string"
  if (areTexts && (checksum === null || checksum === checksumOf(name, declaration))) {
    try {
      return v.parse(QueueDeclarationSchema, JSON.parse(declaration))
    } catch {
      // A declaration without a checksum can still be unreadable.
    }
  }
  throw new StoreDamagedError(`the declaration of the queue ${JSON.stringify(name)} was changed`)
}

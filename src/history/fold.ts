import type { Database } from "bun:sqlite"
import { DeliveryRecord } from "./delivery-record.ts"
import { describe, type EventRecord, newRecord, published } from "./event-record.ts"
import type { FactEvent } from "./fact-event.ts"
import type {
  OfDelivery,
  ReadAttempt,
  ReadOutcome,
  ReadPublished,
  ReadPurged,
  ReadStored,
  SingleFact,
} from "./fact-line.ts"
import { type Folded, newFolded, storedFolded } from "./folded.ts"
import { SOURCE } from "./history-tables.ts"
import { ImpliedDeliveries } from "./implied-deliveries.ts"
import { ProjectionStatements } from "./projection-statements.ts"
import { isPurgedWith, purgeAll } from "./purge.ts"
import { QueueIds } from "./queue-ids.ts"
import { eventOfFact, type FactOfOne } from "./same-id.ts"
import { type Added, extended, type Spans } from "./spans.ts"
import { countOf, type StoredCopies } from "./stored-copies.ts"
import { publicationOf } from "./stored-publication.ts"
import { UnknownIds } from "./unknown-ids.ts"

/** How far the events of a `stored` fact are applied. */
interface Copied {
  /** Number of the first of them. */
  readonly first: number
  readonly queues: readonly number[]
  /** Number of the set of these queues; null if it has none. */
  readonly set: number | null
  /** How many were copied. */
  readonly copied: number
}

/**
 * How far an instance's clock may be ahead of another's, in milliseconds. A publication whose handler's run arrived
 * first, from another instance, is told by this from a later publication with the same id.
 */
const CLOCK_SKEW_MS = 5_000

/**
 * Applies facts to events in memory, then stores each event and each delivery once: most events are published and
 * handled within one fold.
 */
export class Fold {
  readonly #database: Database
  readonly #maxBodyLength: number
  readonly #spans: Spans
  readonly #statements: ProjectionStatements
  readonly #queues: QueueIds
  readonly #implied: ImpliedDeliveries
  readonly #copies: StoredCopies | null
  /** The newest event of each id. */
  readonly #byId = new Map<string, Folded>()
  readonly #folded: Folded[] = []
  /** Ids that several of them have. */
  readonly #repeated = new Set<string>()
  readonly #unknown: UnknownIds
  #nextSeq = 1
  #added: Added | null = null

  /**
   * @param maxBodyLength longest body that is kept, in characters: one event must not push out all others
   * @param copies null if no facts refer to events of a store
   */
  constructor(database: Database, spans: Spans, maxBodyLength: number, copies: StoredCopies | null) {
    this.#database = database
    this.#maxBodyLength = maxBodyLength
    this.#spans = spans
    this.#copies = copies
    this.#statements = new ProjectionStatements(database)
    this.#unknown = new UnknownIds(database)
    this.#queues = new QueueIds(database, () => this.#forgetUnused())
    this.#implied = new ImpliedDeliveries(database, this.#statements)
    this.reset()
  }

  get queues(): QueueIds {
    return this.#queues
  }

  /** Number of the next event. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /** Forgets what was applied and not stored, after a transaction was rolled back. */
  reset(): void {
    this.#forget()
    this.#statements.forgetLaterEvents()
    this.#implied.reset()
    this.#added = null
    this.#queues.load()
    this.#unknown.load()
    const row = this.#database.query<{ next_seq: number }, []>("SELECT next_seq FROM history").get()
    this.#nextSeq = row?.next_seq ?? 1
  }

  /** Applies a fact. Returns false if it can't be: it tells of too many queues. Call it within a transaction. */
  take(fact: SingleFact): boolean {
    if (fact.fact === "published") return this.#publish(fact)
    if (!("queue" in fact)) return this.#end(fact)
    if (fact.fact === "purged") return this.#purge(fact)
    const queue = this.#queues.idOf(fact.queue)
    if (queue === undefined) return false
    if (fact.fact === "attempt" && this.#finish(fact, queue)) return true
    const of = "of" in fact ? fact.of : null
    const known = this.#findOn(fact, queue)
    // An event that was removed must not come back as a new one of which nothing is known.
    if (known === null && of === null && isRemoved(fact, this.#spans.removedUntil)) return true
    const folded = known ?? this.#addUnpublished(fact.id, fact.at, of)
    const delivery =
      this.#deliveryOf(folded, queue) ??
      addTo(folded, new DeliveryRecord(queue, fact.fact !== "replayed", fact.at))
    if (fact.fact === "attempt") delivery.tried(fact)
    else if (fact.fact === "dead-lettered") delivery.deadLettered(fact)
    else delivery.returned(fact)
    return true
  }

  /**
   * Applies the publications of events of the store. Returns how many events are skipped: those that are damaged or gone, 1
   * if all are or there is no store, and all if there are too many queues. Its facts come in the order of what they tell,
   * so runs that came before, of an event with the same id, are of another one. Call it within a transaction.
   * @param mayCopy false if a part of the store is damaged
   * @throws if the store can't be read now
   */
  takeStored(fact: ReadStored, mayCopy: boolean): number {
    // Another program can write anything into a stream.
    if (this.#copies === null) return 1
    const queues = this.#queues.idsOf(fact.queues)
    const count = countOf(fact)
    if (queues === undefined) return count
    // What follows tells of these publications, and not of earlier ones with the same ids.
    this.#write()
    const first = this.#nextSeq
    this.#nextSeq += count
    const set = this.#implied.setOf(queues)
    const copied = mayCopy && set !== null ? this.#copies.copy(fact, first, set) : 0
    this.#added = extended(this.#added, first, this.#nextSeq - 1, fact.at)
    return copied === count ? 0 : this.#takeOthers(fact, this.#copies, { first, queues, set, copied })
  }

  /** Stores what was applied. Returns the range of events that are new since the last call, or null if there are none. */
  store(): Added | null {
    this.#write()
    const added = this.#added
    this.#added = null
    return added
  }

  close(): void {
    this.#statements.close()
    this.#implied.close()
    this.#queues.close()
  }

  #write(): void {
    for (const { record, isNew, isChanged, deliveries } of this.#folded) {
      if (isNew) {
        this.#statements.insertEventLater(record)
        this.#added = extended(this.#added, record.seq, record.seq, record.at)
      } else if (isChanged) {
        this.#statements.updateEvent(record)
        this.#spans.widen(record.seq, record.at)
      }
      for (const each of deliveries) this.#statements.writeDelivery(record.seq, each, isNew)
    }
    this.#statements.insertLaterEvents()
    this.#forget()
  }

  /** Applies the publications of the events that were not copied, one by one. Returns how many events are skipped. */
  #takeOthers(fact: ReadStored, copies: StoredCopies, { first, queues, set, copied }: Copied): number {
    const events = copies.read(fact)
    if (events.length === 0) return 1
    let skipped = countOf(fact) - copied
    for (const event of events) {
      const seq = first + countOf({ ...fact, last: event.number }) - 1
      const publication = copied > 0 && copies.has(seq) ? null : publicationOf(fact, event)
      if (publication === null) continue
      skipped--
      if (set === null) this.#fill(this.#add(publication.event.id, publication.at), publication, queues)
      else this.#statements.insertEventLater(this.#implying(set, seq, publication))
    }
    this.#statements.insertLaterEvents()
    return skipped
  }

  /** Returns the record of an event whose deliveries a set of queues implies. */
  #implying(set: number, seq: number, publication: ReadPublished): EventRecord {
    const { event, at } = publication
    return { ...published(newRecord(seq, event.id, at), publication, this.#maxBodyLength), queueSet: set }
  }

  #forgetUnused(): void {
    this.#write()
    this.#implied.forgetUnused()
    this.#queues.forgetUnused()
  }

  #forget(): void {
    this.#byId.clear()
    this.#repeated.clear()
    this.#folded.length = 0
  }

  #publish(fact: ReadPublished): boolean {
    const queues = this.#queues.idsOf(fact.queues)
    if (queues === undefined) return false
    this.#fill(this.#unpublished(fact) ?? this.#add(fact.event.id, fact.at), fact, queues)
    return true
  }

  /** Completes an event with its publication. */
  #fill(folded: Folded, fact: ReadPublished, queues: readonly number[]): void {
    published(folded.record, fact, this.#maxBodyLength)
    folded.isChanged = true
    for (const queue of queues) {
      const known = this.#deliveryOf(folded, queue)
      if (known === null) addTo(folded, new DeliveryRecord(queue, true, fact.at))
      else known.wasPublished = true
    }
  }

  /** Applies the only run of an event, as most are. Returns false for others. */
  #finish(fact: ReadAttempt, queue: number): boolean {
    if (fact.outcome !== "handled" || fact.reason !== null || this.#byId.has(fact.id)) return false
    const delivery = new DeliveryRecord(queue, true, fact.at)
    delivery.tried(fact)
    return this.#implied.finish(fact.id, delivery) || this.#statements.finishDelivery(fact.id, delivery)
  }

  /** Takes back the newest publication with an id, or notes that nobody knows whether it is on its queues. */
  #end({ fact, id }: ReadOutcome): true {
    this.#write()
    const row = this.#statements.newest(id)
    if (row?.source !== SOURCE.published) return true
    if (fact === "refused") this.#statements.deleteEvent(row.seq)
    else this.#statements.doubt(row.seq)
    return true
  }

  /** Returns the event of a publication whose later facts arrived first. */
  #unpublished({ event: { id }, at }: ReadPublished): Folded | null {
    if (!this.#unknown.has(id)) return null
    const folded = this.#find(id)
    if (folded?.record.source !== SOURCE.unknown || at > folded.record.at + CLOCK_SKEW_MS) return null
    this.#unknown.delete(id)
    return folded
  }

  #addUnpublished(id: string, at: number, of: FactEvent | null): Folded {
    const folded = this.#add(id, at)
    if (of !== null) {
      describe(folded.record, of, this.#maxBodyLength)
      folded.record.source = SOURCE.foreign
      return folded
    }
    this.#unknown.add(id)
    return folded
  }

  #add(id: string, at: number): Folded {
    if (this.#byId.has(id)) this.#repeated.add(id)
    return this.#keep(newFolded(this.#nextSeq++, id, at))
  }

  #find(id: string): Folded | null {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    const row = this.#statements.newest(id)
    if (row === null) return null
    return this.#keep(storedFolded(id, row))
  }

  /** Returns the event with an id that a fact of a queue tells of; the newest if none with the id is on the queue. */
  #findOn(fact: FactOfOne, queue: number): Folded | null {
    const newest = this.#find(fact.id)
    if (newest === null || this.#isOnly(newest)) return newest
    this.#write()
    const row = eventOfFact(fact, this.#statements.latestOn(fact.id, queue))
    if (row === undefined || row.seq === newest.record.seq) return this.#find(fact.id)
    const folded = storedFolded(fact.id, row)
    this.#folded.push(folded)
    return folded
  }

  #isOnly({ record: { id }, isNew }: Folded): boolean {
    return !this.#repeated.has(id) && this.#statements.count(id) + (isNew ? 1 : 0) < 2
  }

  #keep(folded: Folded): Folded {
    this.#byId.set(folded.record.id, folded)
    this.#folded.push(folded)
    return folded
  }

  #deliveryOf(folded: Folded, queue: number): DeliveryRecord | null {
    for (const each of folded.deliveries) if (each.queue === queue) return each
    if (folded.isNew) return null
    const row = this.#statements.delivery(folded.record.seq, queue)
    return row === null ? null : addTo(folded, DeliveryRecord.from(row))
  }

  #purge({ queue: name, from, ids, at }: ReadPurged): boolean {
    const queue = this.#queues.find(name)
    // Nothing is known of the queue, and nothing is lost.
    if (queue === undefined) return true
    if (ids === null) {
      this.#write()
      if (from === "queue") this.#implied.materialize(queue)
      purgeAll(this.#statements, queue, from, at)
      return true
    }
    for (const id of ids) {
      const folded = this.#findOn({ fact: "purged", from, id }, queue)
      const delivery = folded && this.#deliveryOf(folded, queue)
      if (delivery && isPurgedWith(from, delivery.state)) delivery.purged(at)
    }
    return true
  }
}

/** Returns whether a fact tells of an event that the history no longer keeps. */
function isRemoved(fact: OfDelivery, removedUntil: number | null): boolean {
  if (removedUntil === null) return false
  return fact.publishedAt === null || fact.publishedAt <= removedUntil
}

function addTo({ deliveries }: Folded, delivery: DeliveryRecord): DeliveryRecord {
  deliveries.push(delivery)
  return delivery
}

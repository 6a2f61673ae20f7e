import type { Event } from "../event/envelope.ts"
import { EventInvalidError } from "../event/errors.ts"
import { FaultList } from "../event/faults.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { SchemaCatalog } from "./schema-catalog.ts"

export interface SchemaCheckOptions {
  readonly catalog: SchemaCatalog
  /** What becomes of an event that breaks its schema: it is refused, or the log tells of it. */
  readonly validation: "enforce" | "warn"
  /** What becomes of an event that has no schema. */
  readonly unknown: "allow" | "refuse"
  readonly logger: Logger
}

/** Holds every event on its way in to its schema. */
export class SchemaCheck {
  readonly #options: SchemaCheckOptions

  constructor(options: SchemaCheckOptions) {
    this.#options = options
  }

  /** @throws {EventInvalidError} if that is enforced. */
  check(event: Event): void {
    const { faults, count } = this.#faultsOf(event)
    if (count === 0) return
    const { validation, logger } = this.#options
    if (validation === "enforce") throw new EventInvalidError(faults, count)
    const about = { event_id: event.id, type: event.type, name: event.name }
    logger.warn({ ...about, faults, fault_count: count }, "an event breaks its schema")
  }

  #faultsOf(event: Event): FaultList {
    const { catalog, unknown } = this.#options
    const faults = catalog.faultsOf(event)
    if (faults !== null) return faults
    const unjudged = new FaultList()
    if (unknown === "refuse") unjudged.add("/name", `has no schema: ${event.type}/${event.name}`)
    return unjudged
  }
}

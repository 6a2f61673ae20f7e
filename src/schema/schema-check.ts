import type { Event } from "../event/envelope.ts"
import { EventInvalidError, type Fault } from "../event/errors.ts"
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

  /** @throws {EventInvalidError} with every fault, where that is enforced. */
  check(event: Event): void {
    const faults = this.#faultsOf(event)
    if (faults.length === 0) return
    const { validation, logger } = this.#options
    if (validation === "enforce") throw new EventInvalidError(faults)
    const about = { event_id: event.id, type: event.type, name: event.name }
    logger.warn({ ...about, faults }, "an event breaks its schema")
  }

  #faultsOf(event: Event): readonly Fault[] {
    const { catalog, unknown } = this.#options
    const faults = catalog.faultsOf(event)
    if (faults !== null) return faults
    if (unknown === "allow") return []
    return [{ pointer: "/name", message: `has no schema: ${event.type}/${event.name}` }]
  }
}

import type { Event } from "../event/envelope.ts"
import { EventInvalidError } from "../event/errors.ts"
import { FaultList } from "../event/faults.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { SchemaCatalog } from "./schema-catalog.ts"

export interface SchemaCheckOptions {
  readonly catalog: SchemaCatalog
  /** `enforce` rejects events that break their schema, `warn` logs them. */
  readonly validation: "enforce" | "warn"
  /** Accepts or rejects events without a schema. */
  readonly unknown: "allow" | "refuse"
  readonly logger: Logger
}

/** Checks each incoming event against its schema. */
export class SchemaCheck {
  readonly #options: SchemaCheckOptions

  constructor(options: SchemaCheckOptions) {
    this.#options = options
  }

  /** @throws {EventInvalidError} for a fault, if schemas are enforced */
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

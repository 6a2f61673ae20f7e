import type { DispatcherOptions } from "../delivery/dispatcher.ts"
import type { EngineStatus } from "../engine/engine.ts"
import type { Event } from "../event/envelope.ts"
import { linkOf } from "../event/lineage.ts"
import { isServiceEvent } from "../service-events/fact-collection.ts"
import type { ServiceEvents } from "../service-events/service-events.ts"
import type { PoolOptions } from "../workers/pool.ts"
import type { Generations, Reloaded } from "./generations.ts"

/** Tells what happens in the parts of the service as events of the service itself. */
export class Facts {
  readonly #events: ServiceEvents
  /** Returns the queues through which service events are taken. */
  readonly #takingQueues: () => readonly string[]
  #state: EngineStatus["state"] | null = null

  constructor(events: ServiceEvents, takingQueues: () => readonly string[]) {
    this.#events = events
    this.#takingQueues = takingQueues
  }

  readonly deadLetter: DispatcherOptions["onDeadLetter"] = (
    { queue, lineage },
    event,
    { reason, attempts, module },
  ) => {
    if (event !== null && isServiceEvent(linkOf(event), lineage?.chain)) return
    const details = {
      queue,
      reason,
      attempts,
      module,
      ...(event !== null && { type: event.type, name: event.name }),
    }
    this.#events.tell("broker.dead_letter.added", `${queue} ${reason}`, details, { id: event?.id ?? null })
  }

  /** Events that became dead letters without an attempt. Those of the queues of service events may be such events. */
  buried(queue: string, reason: string, count: number): void {
    if (this.#takingQueues().includes(queue)) return
    this.#events.tell("broker.dead_letter.added", `${queue} ${reason}`, { queue, reason }, { count })
  }

  readonly queueFull = (queue: string, event: Event): void => {
    if (isServiceEvent(linkOf(event))) return
    this.#events.tell("broker.queue.full", queue, { queue }, { id: event.id })
  }

  readonly paused = (queue: string, isPaused: boolean): void =>
    this.#events.tell(isPaused ? "broker.queue.paused" : "broker.queue.resumed", queue, { queue })

  readonly workerReplaced: PoolOptions["onReplaced"] = (cause, requests) => {
    const attempts = requests.flatMap((request) => request.attempts)
    if (attempts.some(({ link, lineage }) => isServiceEvent(link, lineage?.chain))) return
    const modules = [...new Set(requests.map(({ target }) => target.manifest.file))]
    this.#events.tell("broker.worker.replaced", cause, { cause, modules })
  }

  reloaded(result: Reloaded, { current }: Generations): void {
    const { generation, files } = current.set
    if (result.kind === "loaded") {
      const details = { generation, before: result.before, modules: files.map(({ name }) => name) }
      this.#events.tell("broker.modules.reloaded", "", details)
    } else if (result.kind === "rejected") {
      const faults = result.rejection.faults.map(({ frame: _, ...fault }) => fault)
      this.#events.tell("broker.modules.rejected", "", { generation, faults })
    }
  }

  /** The first state is none that it has changed to. */
  engineState(status: EngineStatus): void {
    const before = this.#state
    this.#state = status.state
    if (before === null || before === status.state) return
    const reason = "reason" in status ? status.reason : null
    this.#events.tell("broker.engine.state", "", { state: status.state, before, reason })
  }
}

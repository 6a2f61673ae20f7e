import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import { failureRecord } from "../support/failure-record.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"

export const watchCases: readonly ContractCase[] = [
  {
    title: "each watcher sees every event stored from now on, once, as it was published",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("calls", { bindings: ["calls.#", "calls.*"] }),
        queueDeclaration("copies", { bindings: ["calls.#"] }),
      ])
      await engine.publish(newEvent({ name: "before", routing_key: "calls.x" }))
      const [first, second] = [await Watch.begin(engine), await Watch.begin(engine)]
      const event = newEvent({ name: "first", routing_key: "calls.started", payload: { line: "größer\nb" } })
      await engine.publish(event)
      await engine.publish(newEvent({ name: "last", routing_key: "calls.ended" }))
      for (const watch of [first, second]) {
        await watch.saw("last")
        expect(watch.names).toEqual(["first", "last"])
        expect(watch.bodies[0]).toBe(JSON.stringify(event))
      }
    },
  },
  {
    title: "a watcher that has ended sees no more events, and the others do",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const [ended, other] = [await Watch.begin(engine), await Watch.begin(engine)]
      ended.end()
      await engine.publish(newEvent({ name: "after", routing_key: "calls" }))
      await other.saw("after")
      other.end()
      const again = await Watch.begin(engine)
      await engine.publish(newEvent({ name: "again", routing_key: "calls" }))
      await again.saw("again")
      expect([ended.names, other.names, again.names]).toEqual([[], ["after"], ["again"]])
    },
  },
  {
    title: "an event without a queue is unroutable, even with watchers",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const watch = await Watch.begin(engine)
      const publishing = engine.publish(newEvent({ name: "stray", routing_key: "nowhere" }))
      await expect(publishing).rejects.toMatchObject({ code: "unroutable", outcome: "not-stored" })
      await engine.publish(newEvent({ name: "last", routing_key: "calls" }))
      await watch.saw("last")
      expect(watch.names).toEqual(["last"])
    },
  },
  {
    title: "a watcher does not see retries",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const watch = await Watch.begin(engine)
      await engine.publish(newEvent({ name: "tried", routing_key: "calls" }))
      const inbox = new Inbox(engine, "calls")
      await (await inbox.next()).retry(10, failureRecord())
      expect((await inbox.next()).attempt).toBe(2)
      await engine.publish(newEvent({ name: "last", routing_key: "calls" }))
      await watch.saw("last")
      expect(watch.names).toEqual(["tried", "last"])
    },
  },
]

/** Records what one watcher sees. */
class Watch {
  readonly bodies: string[] = []
  end: () => void = () => {}

  static async begin(engine: Engine): Promise<Watch> {
    const watch = new Watch()
    watch.end = await engine.watch({ onEvent: ({ body }) => watch.bodies.push(body), onGap: () => {} })
    return watch
  }

  get names(): readonly string[] {
    return this.bodies.map((body) => JSON.parse(body).name)
  }

  saw(name: string): Promise<void> {
    return waitUntil(() => this.names.includes(name), `the watcher to see ${name}`)
  }
}

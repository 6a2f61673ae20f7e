import { expect } from "bun:test"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { entriesOf, note } from "./journal.ts"

const REQUESTS = 1_000
const CONNECTIONS = 64

/** Time in which an event that was stored twice would be handled again, in milliseconds. */
const SETTLED_MS = 500

const JSON_TYPE = { "Content-Type": "application/json" }

export const onceCases: readonly DeliveryCase[] = [
  {
    title: `an event of a request that is sent ${REQUESTS} times over ${CONNECTIONS} connections is handled once`,
    async run({ folder, start }) {
      const handler = `async counted(event) { ${note(folder, "done")} }`
      folder.write("handlers/counted.ts", `export default { queue: "custom_events", on: { ${handler} } }`)
      const service = await start()
      const send = (n: number) =>
        fetch(`${service.url}/api/v1/events`, {
          method: "POST",
          headers: { ...JSON_TYPE, "Idempotency-Key": '"counted once"' },
          body: JSON.stringify({ type: "custom", name: "counted", payload: { n } }),
        })
      const answers: string[] = []
      const sendUntilAnswered = async (): Promise<void> => {
        let response = await send(1)
        for (; response.status === 409; response = await send(1)) await Bun.sleep(20)
        const { id } = (await response.json()) as { id?: string }
        answers.push(`${response.status} ${id} ${response.headers.get("Idempotency-Replayed") ?? "new"}`)
      }
      let left = REQUESTS
      const client = async (): Promise<void> => {
        while (left-- > 0) await sendUntilAnswered()
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, client))
      const [id] = answers.find((each) => each.endsWith("new"))?.split(" new") ?? []
      expect(answers.toSorted()).toEqual([`${id} new`, ...Array(REQUESTS - 1).fill(`${id} true`)])
      expect((await send(2)).status).toBe(422)
      await waitUntil(() => entriesOf(folder).length > 0, "the event")
      await Bun.sleep(SETTLED_MS)
      expect(entriesOf(folder)).toHaveLength(1)
    },
  },
  {
    title: "an event that a handler publishes with an id is stored once, however often the handler runs",
    async run({ folder, start }) {
      const publish = `const event = await ctx.publish({ type: "user", name: "followed", id: "follow-up", payload: {} })`
      folder.write(
        "handlers/first.ts",
        `export default { queue: "custom_events", on: { async begun(_, ctx) {
          ${publish}
          ${folder.journal('"first " + event.id + " " + event.duplicate')}
        } } }`,
      )
      folder.write(
        "handlers/second.ts",
        `export default { queue: "user_events", on: { async followed() { ${folder.journal('"second"')} } } }`,
      )
      const service = await start()
      for (let n = 0; n < 3; n++) await service.publish({ name: "begun" })
      await waitUntil(() => folder.journalLines().length >= 4, "the events")
      await Bun.sleep(SETTLED_MS)
      expect(folder.journalLines().toSorted()).toEqual([
        "first follow-up true",
        "first follow-up true",
        "first follow-up undefined",
        "second",
      ])
    },
  },
]

import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"

/** Hops of the last event of a loop by default. */
const MAX_HOPS = 16

interface Letter {
  readonly event: { readonly id: string; readonly name: string }
  readonly reason: string
  readonly attempts: number
  readonly error: { readonly message: string } | null
}

async function lettersOf(service: RunningService, queue = "custom_events"): Promise<readonly Letter[]> {
  const { body } = await service.get(`/api/v1/dead-letters/${queue}?limit=1000`)
  return (body as { readonly dead_letters: readonly Letter[] }).dead_letters
}

/** Waits until no event waits. */
async function quiet(service: RunningService): Promise<void> {
  const isQuiet = async (): Promise<boolean> => {
    const { body } = await service.get("/api/v1/queues")
    const { queues } = body as { readonly queues: readonly { readonly waiting: number }[] }
    return queues.every(({ waiting }) => waiting === 0)
  }
  await waitUntil(isQuiet, "the queues to be empty")
}

/** Writes a module whose function notes each event and what caused it, and runs the statements. */
const writeModule = (folder: ServiceFolder, body: string, options = ""): void =>
  folder.write(
    "handlers/looping.ts",
    `export default { queue: "custom_events", ${options} on: { "*": async (event, ctx) => {
      ${folder.journal('[event.id, ctx.causedBy, ctx.attempt].join(" ")')}
      ${body}
    } } }`,
  )

const REPEAT = 'await ctx.publish({ type: "custom", name: event.name, payload: event.payload })'

/** Expects that each event of the journal was handled once, and was caused by the one before. */
function expectChain(lines: readonly string[]): void {
  const entries = lines.map((line) => line.split(" "))
  for (const [place, [, causedBy, attempt]] of entries.entries()) {
    expect([causedBy, attempt]).toEqual([entries[place - 1]?.[0] ?? "", "1"])
  }
}

export const loopCases: readonly DeliveryCase[] = [
  {
    title:
      "a handler that publishes the event that it handles ends after 16 hops with one dead letter, and a redrive begins again",
    async run({ folder, start }) {
      writeModule(folder, REPEAT)
      const service = await start()
      await service.publish({ name: "ping" })
      await waitUntil(async () => (await lettersOf(service)).length > 0, "the dead letter")
      const handled = folder.journalLines()
      expect(handled).toHaveLength(MAX_HOPS + 1)
      expectChain(handled)
      const [letter, ...others] = await lettersOf(service)
      expect(others).toEqual([])
      const [last = "", cause = ""] = handled.at(-1)?.split(" ") ?? []
      expect(letter).toMatchObject({ event: { id: last }, reason: "loop-suspected", attempts: 1 })
      const message = letter?.error?.message ?? ""
      expect(message).toContain(`custom/ping with the id ${last} was caused by ${cause} and has 16 hops: `)
      expect(message).toEndWith(
        `: … → ${Array(MAX_HOPS + 1)
          .fill("custom/ping")
          .join(" → ")}`,
      )

      await service.post("/api/v1/dead-letters/custom_events/redrive", { all: true })
      await waitUntil(() => folder.journalLines().length === 2 * (MAX_HOPS + 1), "the loop to end again")
      await waitUntil(async () => (await lettersOf(service)).length === 1, "the second dead letter")
      expect(folder.journalLines()[MAX_HOPS + 1]).toBe(`${last} ${cause} 1`)
      await quiet(service)
    },
  },
  {
    title: "a loop over two queues ends with one dead letter that names both events",
    async run({ folder, start }) {
      const send = (queue: string, type: string, name: string): string =>
        `export default { queue: "${queue}", on: { "*": async (event, ctx) => {
          ${folder.journal("event.name")}
          await ctx.publish({ type: "${type}", name: "${name}", payload: {} })
        } } }`
      folder.write("handlers/ping.ts", send("custom_events", "user", "pong"))
      folder.write("handlers/pong.ts", send("user_events", "custom", "ping"))
      const service = await start({ MAX_HOPS: "5" })
      await service.publish({ name: "ping" })
      await waitUntil(async () => (await lettersOf(service, "user_events")).length === 1, "the dead letter")
      expect(folder.journalLines()).toEqual(["ping", "pong", "ping", "pong", "ping", "pong"])
      const [letter] = await lettersOf(service, "user_events")
      const names = ["custom/ping", "user/pong", "custom/ping", "user/pong", "custom/ping", "user/pong"]
      expect(letter?.error?.message).toEndWith(`5 hops: ${[...names, "custom/ping"].join(" → ")}`)
      expect(await lettersOf(service)).toEqual([])
    },
  },
  {
    title: "a chain of ten handlers is not taken for a loop",
    async run({ folder, start }) {
      const next = '{ type: "custom", name: "step", payload: { left: event.payload.left - 1 } }'
      writeModule(folder, `if (event.payload.left > 0) await ctx.publish(${next})`)
      const service = await start()
      await service.publish({ name: "step", payload: { left: 10 } })
      await waitUntil(() => folder.journalLines().length === 11, "the end of the chain")
      expectChain(folder.journalLines())
      await quiet(service)
      expect(await lettersOf(service)).toEqual([])
    },
  },
  {
    title: "hops count on after a retry, and after a restart of the service",
    async run({ folder, start }) {
      const again = "if (ctx.attempt === 1) return ctx.retry({ delay: 10 })"
      writeModule(folder, `${again}\n${REPEAT}`, "retry: { attempts: 2 },")
      const first = await start({ MAX_HOPS: "8" })
      await first.publish({ name: "ping" })
      await waitUntil(() => folder.journalLines().length >= 4, "some hops")
      expect(await first.stop()).toBe(0)
      expect(folder.journalLines().length).toBeLessThan(18)
      const second = await start({ MAX_HOPS: "8" })
      await waitUntil(async () => (await lettersOf(second)).length === 1, "the dead letter")
      const ids = new Set(folder.journalLines().map((line) => line.split(" ")[0]))
      expect(ids.size).toBe(9)
      expect(await lettersOf(second)).toMatchObject([{ reason: "loop-suspected", attempts: 2 }])
      await quiet(second)
    },
  },
  {
    title: "hops count on after the retry of an event with an ordering key",
    async run({ folder, start }) {
      writeModule(
        folder,
        `if (ctx.attempt === 1) return ctx.retry({ delay: 10 })
        await ctx.publish({ type: "custom", name: "ping", payload: {}, ordering_key: event.ordering_key })`,
        "retry: { attempts: 2 },",
      )
      const service = await start({ MAX_HOPS: "3" })
      await service.publish({ name: "ping", ordering_key: "k" })
      await waitUntil(async () => (await lettersOf(service)).length === 1, "the dead letter")
      await quiet(service)
      expect(await lettersOf(service)).toMatchObject([{ reason: "loop-suspected", attempts: 2 }])
      const lines = folder.journalLines().map((line) => line.split(" "))
      const first = lines.filter(([, , attempt]) => attempt === "1").map(([id, causedBy]) => [id, causedBy])
      const second = lines.filter(([, , attempt]) => attempt === "2").map(([id, causedBy]) => [id, causedBy])
      expect(first).toHaveLength(4)
      expect(second).toEqual(first)
    },
  },
  {
    title: "with MAX_HOPS=0 no publish is refused",
    async run({ folder, start }) {
      const next = '{ type: "custom", name: "step", payload: { left: event.payload.left - 1 } }'
      writeModule(folder, `if (event.payload.left > 0) await ctx.publish(${next})`)
      const service = await start({ MAX_HOPS: "0" })
      await service.publish({ name: "step", payload: { left: 50 } })
      await waitUntil(() => folder.journalLines().length === 51, "the end of the chain")
      expectChain(folder.journalLines())
      await quiet(service)
      expect(await lettersOf(service)).toEqual([])
    },
  },
  {
    title: "handlers that publish two of each event end, with a dead letter for each event of the last hop",
    async run({ folder, start }) {
      writeModule(folder, `await Promise.all([1, 2].map(async () => { ${REPEAT} }))`)
      const service = await start({ MAX_HOPS: "4" })
      await service.publish({ name: "ping" })
      await waitUntil(async () => (await lettersOf(service)).length === 2 ** 4, "the last hop")
      await quiet(service)
      expect(folder.journalLines()).toHaveLength(2 ** 5 - 1)
      expect(await lettersOf(service)).toHaveLength(2 ** 4)
    },
  },
  {
    title: "a loop through batches ends with one dead letter, and the other events of its batch are handled",
    async run({ folder, start }) {
      folder.write(
        "handlers/looping.ts",
        `export default { queue: "custom_events", batch: { size: 10, wait: 100 }, retry: { attempts: 1 }, on: {
          "*": async (events, ctx) => {
            for (const { id, name } of events) {
              if (name === "plain") continue
              await ctx.publish({ type: "custom", name: "plain", payload: {} })
              await ctx.publish({ type: "custom", name: "ping", payload: {} })
            }
            for (const { id, name } of events) ${folder.journal('[name, ctx.causedBy(id)].join(" ")')}
          },
        } }`,
      )
      const service = await start({ MAX_HOPS: "3" })
      const id = await service.publish({ name: "ping" })
      await waitUntil(async () => (await lettersOf(service)).length > 0, "the dead letter")
      await waitUntil(() => folder.journalLines().length === 6, "the others")
      await quiet(service)
      expect(await lettersOf(service)).toMatchObject([{ event: { name: "ping" }, reason: "loop-suspected" }])
      const lines = folder.journalLines()
      expect(lines.filter((line) => line.startsWith("plain "))).toHaveLength(3)
      expect(lines[0]).toBe("ping ")
      expect(lines.slice(1, 3).toSorted()).toEqual([`ping ${id}`, `plain ${id}`])
    },
  },
  {
    title: "a handler that catches the refusal ends its loop, and decides what becomes of its event",
    async run({ folder, start }) {
      const told = folder.journal('["refused", error.code, error.retryable].join(" ")')
      writeModule(folder, `try { ${REPEAT} } catch (error) { ${told} }`)
      const service = await start({ MAX_HOPS: "2" })
      await service.publish({ name: "ping" })
      await waitUntil(
        () => folder.journalLines().at(-1) === "refused loop-suspected false",
        "the refusal in the handler",
      )
      await quiet(service)
      expect(folder.journalLines()).toHaveLength(4)
      expect(await lettersOf(service)).toEqual([])
    },
  },
]

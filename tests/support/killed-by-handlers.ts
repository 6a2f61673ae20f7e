import { expect } from "bun:test"
import { isReady } from "./counting-service.ts"
import { type RunningService, ServiceFolder } from "./running-service.ts"
import { waitUntil } from "./wait-until.ts"

/** Statements of a handler that end the process, not only its worker. */
export const WAYS_TO_KILL = ['process.kill(process.pid, "SIGKILL")', "process.abort()"] as const

const ATTEMPTS = 3

const deadLetterOf = (service: RunningService) =>
  service.log.find(({ msg }) => msg === "event is now a dead letter")

/**
 * Starts a service with a handler that kills the process, and restarts it after each death, until the event
 * is a dead letter.
 * @param withNeighbours true to put other events before and behind it on its queue; they must all be handled
 * @returns a line for each run of the handler
 */
export async function killUntilDeadLetter(
  way: string,
  variables: Readonly<Record<string, string>>,
  withNeighbours: boolean,
): Promise<readonly string[]> {
  await using folder = new ServiceFolder()
  const start = async (): Promise<RunningService> => folder.start(variables)
  const neighbours = new Set<string>()
  const first = await start()
  await waitUntil(() => isReady(first), "the queues to be declared")
  for (const name of withNeighbours ? ["before", "kills", "behind"] : ["kills"]) {
    for (let n = 0; n < (name === "kills" ? 1 : 5); n++) {
      const id = await first.publish({ name })
      if (name !== "kills") neighbours.add(id)
    }
  }
  await first.stop()
  folder.write(
    "handlers/deadly.ts",
    `export default {
      queue: "custom_events", retry: { attempts: ${ATTEMPTS} },
      on: {
        kills(event, ctx) { ${folder.journal('"kills " + ctx.attempt')}; ${way} },
        // Still at work when the process dies, at the first attempt.
        async "*"(event, ctx) {
          if (ctx.attempt === 1) await new Promise(() => {})
          ${folder.journal("event.id")}
        },
      },
    }`,
  )
  for (let deaths = 0; deaths < ATTEMPTS; deaths++) {
    const service = await start()
    expect(await service.exited()).not.toBe(0)
  }
  const last = await start()
  await waitUntil(() => deadLetterOf(last) !== undefined, "the dead letter")
  expect(deadLetterOf(last)).toMatchObject({ name: "kills", reason: "worker-crashed" })
  const lines = (isKiller: boolean): readonly string[] =>
    folder.journalLines().filter((line) => line.startsWith("kills") === isKiller)
  await waitUntil(() => neighbours.isSubsetOf(new Set(lines(false))), "the others to be handled")
  await waitUntil(async () => {
    const { body } = await last.get("/api/v1/dead-letters/custom_events")
    return JSON.stringify(body).includes('"count":1,')
  }, "the one dead letter to be listed")
  return lines(true)
}

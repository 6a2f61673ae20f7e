import type { ServiceFolder } from "../tests/support/running-service.ts"

/** What becomes of an event, with how many of a thousand have it. Those that are left succeed. */
export const FATES = {
  flaky: 30,
  fails: 6,
  "hangs-once": 2,
  "spins-once": 2,
  "exits-once": 2,
  hangs: 1,
  exits: 1,
} as const

/** A module that does with each event what its payload says, and notes those that it is done with. */
export function writeHandler(folder: ServiceFolder): void {
  folder.write(
    "handlers/fated.ts",
    `const hang = () => new Promise(() => {})
    export default {
      queue: "custom_events", timeout: 300, retry: { attempts: 6, backoff: { initial: 20, factor: 2, max: 200 } },
      on: {
        async fated(event, ctx) {
          const { fate, n } = event.payload
          await Bun.sleep(Math.random() * 5)
          if (fate === "fails" || (fate === "flaky" && ctx.attempt < 3)) throw new Error(fate)
          if (fate === "hangs" || (fate === "hangs-once" && ctx.attempt === 1)) await hang()
          if (fate === "exits" || (fate === "exits-once" && ctx.attempt === 1)) process.exit(3)
          if (fate === "spins-once" && ctx.attempt === 1) for (;;);
          ${folder.journal('[event.id, event.ordering_key ?? "-", n].join(" ")')}
        },
      },
    }`,
  )
}

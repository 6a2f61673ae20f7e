import type { ServiceFolder } from "../tests/support/running-service.ts"

/** The fates of events, in events per thousand. The rest succeeds. */
export const FATES = {
  flaky: 30,
  fails: 6,
  "hangs-once": 2,
  "spins-once": 2,
  "exits-once": 2,
  hangs: 1,
  exits: 1,
} as const

/** Writes a module that treats each event as its payload says, and records the events that it finishes. */
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

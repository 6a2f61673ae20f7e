/**
 * Measures the time from saving a handler module to the first event that the new code handles, with `event-broker dev` and
 * a client that publishes all the time.
 */
import { ServiceFolder } from "../tests/support/running-service.ts"
import { waitUntil } from "../tests/support/wait-until.ts"
import { median } from "./measure.ts"

const SAVES = 41

/** Time between publishes, in milliseconds: the largest error of a figure. */
const PUBLISH_EVERY_MS = 3

/** Time between saves, in milliseconds, and a part of it by chance: the service looks at the files at its own times. */
const SAVE_EVERY_MS = 300

await using folder = new ServiceFolder()

function save(version: number): number {
  const line = folder.journal(`"${version} " + Date.now()`)
  folder.write("handlers/saved.ts", `export default { queue: "custom_events", on: { "*"() { ${line} } } }`)
  return Date.now()
}

/** Returns when this version handled its first event; null if it has handled none. */
function firstOf(version: number): number | null {
  const line = folder.journalLines().find((each) => each.startsWith(`${version} `))
  return line === undefined ? null : Number(line.split(" ")[1])
}

save(0)
const service = folder.spawn(["dev"], { LOG_FORMAT: "json" })
await service.listening()
const publishing = setInterval(() => {
  // The last ones are cut off by the end of the service.
  service.publish({ name: "tried" }).catch(() => {})
}, PUBLISH_EVERY_MS)
const times: number[] = []
for (let version = 1; version <= SAVES; version++) {
  await Bun.sleep(SAVE_EVERY_MS + Math.random() * SAVE_EVERY_MS)
  const savedAt = save(version)
  await waitUntil(() => firstOf(version) !== null, `an event of version ${version}`)
  times.push((firstOf(version) ?? 0) - savedAt)
}
clearInterval(publishing)
console.log(
  `from a save to the first event on the new code: ${median(times)} ms (median of ${SAVES}; largest ${Math.max(...times)} ms; target: under 300)`,
)

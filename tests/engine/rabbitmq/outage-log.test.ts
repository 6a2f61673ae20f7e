import { expect, test } from "bun:test"
import { ConnectFault } from "../../../src/engine/rabbitmq/connection/connect-fault.ts"
import { OutageLog } from "../../../src/engine/rabbitmq/connection/outage-log.ts"

const HOST = { host: "broker", port: 5_672 }
const REFUSED = new ConnectFault("ECONNREFUSED", "nothing is listening there")
const UNKNOWN = new ConnectFault("ENOTFOUND", "there is no host with this name")

/** Fails every 5 seconds for an hour. Returns the seconds of the log lines. */
function loggedOverAnHour(faultAt: (second: number) => ConnectFault): readonly number[] {
  let second = 0
  const logged: number[] = []
  const outages = new OutageLog(
    () => logged.push(second),
    () => second * 1_000,
  )
  for (; second < 3_600; second += 5) outages.failed(HOST, faultAt(second))
  return logged
}

test("an outage is logged at once, then less and less often, but at least every five minutes", () => {
  const logged = loggedOverAnHour(() => REFUSED)
  expect(logged.slice(0, 6)).toEqual([0, 10, 30, 70, 150, 310])
  const waits = logged.slice(1).map((at, place) => at - (logged[place] ?? 0))
  expect(Math.max(...waits)).toBe(300)
})

test("another reason is logged at once, and two alternating ones are not logged each time", () => {
  expect(loggedOverAnHour((second) => (second < 5 ? REFUSED : UNKNOWN)).slice(0, 2)).toEqual([0, 5])
  expect(loggedOverAnHour((second) => (second % 10 === 0 ? REFUSED : UNKNOWN)).length).toBeLessThan(20)
})

test("after a connection, the next outage is logged at once", () => {
  let count = 0
  const outages = new OutageLog(() => count++)
  outages.failed(HOST, REFUSED)
  outages.failed(HOST, REFUSED)
  outages.ended()
  outages.failed(HOST, REFUSED)
  expect(count).toBe(2)
})

import { expect, test } from "bun:test"
import { CpuMeter, type MeteredFunction } from "../../src/workers/inside/cpu-meter.ts"
import { RunningPool } from "../support/running-pool.ts"

/** A meter, and a way to use CPU time. */
function newMeter() {
  let [usedMs, wallMs] = [100, 0]
  const meter = new CpuMeter(
    () => usedMs,
    () => wallMs,
  )
  const use = (ms: number): void => {
    usedMs += ms
    wallMs += Math.abs(ms)
  }
  const functions = new Map<string, MeteredFunction>()
  const begin = (name: string): MeteredFunction => {
    const called = functions.get(name) ?? meter.newFunction()
    functions.set(name, called)
    meter.begin(called)
    return called
  }
  return { meter, begin, use }
}

test("a call up to its first await, and all calls of a function alone, are its own time", () => {
  const { meter, begin, use } = newMeter()
  use(1_000)
  const first = begin("a")
  use(5)
  meter.pause(first)
  use(7)
  const second = begin("a")
  use(1)
  meter.pause(second)
  use(2)
  expect(meter.end(first)).toEqual({ ownMs: 15, sharedMs: 0 })
  use(4)
  expect(meter.end(second)).toEqual({ ownMs: 4, sharedMs: 0 })
})

test("while calls of several functions overlap, only their beginnings are known", () => {
  const { meter, begin, use } = newMeter()
  const first = begin("a")
  meter.pause(first)
  use(1)
  const second = begin("b")
  use(10)
  meter.pause(second)
  use(100)
  expect(meter.end(first)).toEqual({ ownMs: 1, sharedMs: 100 })
  use(1_000)
  expect(meter.end(second)).toEqual({ ownMs: 1_010, sharedMs: 0 })
})

test("time without a call, and a clock that goes back, count for nobody", () => {
  const { meter, begin, use } = newMeter()
  meter.end(begin("a"))
  use(50)
  const called = begin("a")
  use(-20)
  meter.pause(called)
  use(3)
  expect(meter.end(called)).toEqual({ ownMs: 3, sharedMs: 0 })
})

/** Reads the seconds of a counter; 0 if it is not there. */
const secondsOf = (text: string, series: string): number =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.split(" ")[1] ?? 0,
  )

test("the metrics have the CPU time of each function, and what several share", async () => {
  await using running = await RunningPool.start(
    `async computes() { spin(200); await Bun.sleep(1); spin(200) },
    async waits() { mark("waits"); await until("go") },
    async later() { await Bun.sleep(1); spin(200) },
    }, }
    function spin(ms: number) {
      const usedMs = () => { const { user, system } = process.threadCpuUsage(); return (user + system) / 1_000 }
      for (const until = usedMs() + ms; usedMs() < until; );
    }
    export const more = { on: {`,
  )
  await running.run("computes")
  const waits = running.run("waits")
  await running.reached("waits")
  await running.run("later")
  running.mark("go")
  await waits
  const text = await running.metrics.text()
  const own = (handler: string) =>
    secondsOf(text, `event_broker_handler_cpu_seconds_total{queue="custom_events",handler="${handler}"}`)
  expect(own("computes")).toBeGreaterThanOrEqual(0.39)
  expect(own("later")).toBeLessThan(0.1)
  expect(own("waits")).toBeLessThan(0.1)
  expect(secondsOf(text, "event_broker_handlers_shared_cpu_seconds_total")).toBeGreaterThanOrEqual(0.19)
})

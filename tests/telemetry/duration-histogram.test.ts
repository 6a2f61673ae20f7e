import { expect, test } from "bun:test"
import { Histogram, Registry } from "prom-client"
import { DurationHistogram } from "../../src/telemetry/duration-histogram.ts"

const OPTIONS = {
  name: "request_seconds",
  help: "Requests.",
  labelNames: ["route", "status"],
  buckets: [0.001, 0.01, 0.1, 1],
}

const linesOf = (text: string): readonly string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("request_seconds_"))
    .toSorted()

test("durations are counted and written as by prom-client's histogram", async () => {
  const registry = new Registry()
  const theirs = new Histogram({ ...OPTIONS, registers: [registry] })
  const ours = new DurationHistogram(OPTIONS)
  const durations = [0, 0.0005, 0.001, 0.0011, 0.05, 0.1, 0.9, 1, 1.5, 300]
  for (const [at, seconds] of durations.entries()) {
    const labels =
      at % 3 === 0 ? { route: '/a "quoted" \\ path', status: "200" } : { route: "/b\nc", status: "503" }
    theirs.observe(labels, seconds)
    ours.observe(seconds, labels.route, labels.status)
  }
  expect(linesOf(ours.text())).toEqual(linesOf(await registry.metrics()))
  expect(ours.text()).toStartWith("# HELP request_seconds Requests.\n# TYPE request_seconds histogram\n")
})

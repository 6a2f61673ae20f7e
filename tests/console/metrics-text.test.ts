import { expect, test } from "bun:test"
import { functionMetrics, metricOf } from "../../src/console/page/screens/modules/metrics-text.ts"
import { Metrics } from "../../src/telemetry/metrics.ts"

test("calls, failures and quantiles of a function are read from the metrics of the service", async () => {
  const metrics = new Metrics()
  for (let count = 0; count < 98; count++) metrics.handled("voice_events", "call.ended", "done", 0.004)
  metrics.handled("voice_events", "call.ended", "failed", 2)
  metrics.handled("voice_events", "call.ended", "timeout", 400)
  metrics.usedCpu("voice_events", "call.ended", 0.25, 0)
  expect(functionMetrics(await metrics.text())).toEqual([
    {
      queue: "voice_events",
      handler: "call.ended",
      calls: 100,
      failures: 2,
      p50: 0.005,
      p99: 2.5,
      cpuSeconds: 0.25,
    },
  ])
})

test("a metric without labels has a value, and another one has none", async () => {
  const text = "# HELP x y\nevent_broker_workers_ready 5\n"
  expect(metricOf(text, "event_broker_workers_ready")).toBe(5)
  expect(metricOf(text, "event_broker_workers_expected")).toBeNull()
})

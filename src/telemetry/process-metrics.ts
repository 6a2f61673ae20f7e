import { Counter, Gauge, type Registry } from "prom-client"
import { openFiles, openFilesLimit } from "./open-files.ts"

const SECONDS_PER_MICROSECOND = 1e-6

/**
 * The metrics that Prometheus' client libraries have in common, under the names that they agreed on. prom-client's own
 * come with those of Node's engine, which are zero or nonsense under Bun.
 * Source: prometheus.io/docs/instrumenting/writing_clientlibs, "Standard and runtime collectors".
 */
export function processMetrics(registry: Registry): void {
  const registers = [registry]
  const startedAt = Date.now() / 1_000 - process.uptime()
  const cpu = new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      cpu.reset()
      cpu.inc((user + system) * SECONDS_PER_MICROSECOND)
    },
  })
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss())
  gauge("process_start_time_seconds", "When the process started, since the epoch.", () => startedAt)
  if (openFiles() !== null)
    gauge("process_open_fds", "Open files and connections.", () => openFiles() ?? Number.NaN)
  const limit = openFilesLimit()
  if (limit !== null) gauge("process_max_fds", "How many files and connections may be open.", () => limit)

  function gauge(name: string, help: string, read: () => number): void {
    const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(read()) })
  }
}

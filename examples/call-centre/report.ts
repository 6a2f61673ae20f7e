/**
 * Prints the sums of the handler.
 *
 *     BUN_BE_BUN=1 event-broker run examples/call-centre/report.ts
 */
import { Database } from "bun:sqlite"

interface Hour {
  readonly hour: string
  readonly calls: number
  readonly utterances: number
  readonly seconds: number
}

const database = new Database(process.env["SUMMARY_FILE"] ?? "summary.db", { readonly: true })
const hours = database.query<Hour, []>("SELECT * FROM hours ORDER BY hour").all()
const events = database.query<{ readonly count: number }, []>("SELECT count(*) AS count FROM seen").get()
const disorder = database.query<{ readonly sum: number }, []>("SELECT sum(disorder) AS sum FROM calls").get()

const line = (...cells: readonly unknown[]): string => cells.map((cell) => String(cell).padStart(12)).join("")
process.stdout.write(`${line("hour", "calls", "utterances", "minutes")}\n`)
for (const { hour, calls, utterances, seconds } of hours) {
  process.stdout.write(`${line(hour, calls, utterances, Math.round(seconds / 60))}\n`)
}

const sum = (field: "calls" | "utterances" | "seconds"): number =>
  hours.reduce((total, hour) => total + hour[field], 0)
const totals = {
  events: events?.count,
  calls: sum("calls"),
  utterances: sum("utterances"),
  seconds: sum("seconds"),
}
process.stdout.write(`${JSON.stringify(totals)}\nevents out of the order of their call: ${disorder?.sum}\n`)

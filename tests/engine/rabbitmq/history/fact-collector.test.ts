import { expect, test } from "bun:test"
import { type Batch, newWriterId } from "../../../../src/engine/rabbitmq/history/batch.ts"
import { FactCollector } from "../../../../src/engine/rabbitmq/history/fact-collector.ts"
import { FactJournal } from "../../../../src/engine/rabbitmq/history/fact-journal.ts"
import { publishedLine } from "../../../../src/event/history-fact.ts"
import { newEvent } from "../../../support/new-event.ts"
import { type TemporaryFolder, temporaryFolder } from "../../../support/temporary-folder.ts"

const line = () =>
  publishedLine({ at: 1, queues: ["calls"] }, Buffer.from(JSON.stringify(newEvent({}))), null)

function collect({ path }: TemporaryFolder) {
  const journal = FactJournal.open(path, () => {})
  const full: Batch[] = []
  const collector = new FactCollector({
    writer: newWriterId(),
    ticks: () => 0,
    publishesInFlight: () => 1_000,
    sendEvents: () => {},
    journal,
    onFull: (batch) => full.push(batch),
  })
  return { collector, journal, full }
}

const leftIn = ({ path }: TemporaryFolder) => FactJournal.open(path, () => {})?.takeLeft().length

test("a publish is kept at the end of its turn, until its batch is stored", async () => {
  using folder = temporaryFolder()
  const { collector, journal, full } = collect(folder)
  await collector.addKept(line())
  collector.flush()
  expect(full).toHaveLength(1)
  journal?.close()
  expect(leftIn(folder)).toBe(1)
})

function giveUp(batch: Batch): void {
  batch.abandon()
  batch.forget()
}

test.each([
  ["stored", (batch: Batch) => batch.stored()],
  ["given up", giveUp],
])("a batch that is %s within its turn is not kept: nobody would take it out again", async (_, end) => {
  using folder = temporaryFolder()
  const { collector, journal, full } = collect(folder)
  const kept = collector.addKept(line())
  collector.flush()
  for (const batch of full) end(batch)
  await kept
  journal?.close()
  expect(leftIn(folder)).toBe(0)
})

test("facts that are given up while they are collected are not kept either", async () => {
  using folder = temporaryFolder()
  const { collector, journal } = collect(folder)
  const kept = collector.addKept(line())
  collector.abandon()
  await kept
  journal?.close()
  expect(leftIn(folder)).toBe(0)
})

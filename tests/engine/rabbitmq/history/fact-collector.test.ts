import { expect, test } from "bun:test"
import { type Batch, newWriterId } from "../../../../src/engine/rabbitmq/history/batch.ts"
import { FactCollector } from "../../../../src/engine/rabbitmq/history/fact-collector.ts"
import { FactJournal } from "../../../../src/engine/rabbitmq/history/fact-journal.ts"
import { publishedLine } from "../../../../src/event/history-fact.ts"
import { nextTurn } from "../../../../src/system/next-turn.ts"
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

test("a publish is kept once somebody asks, with those beside it, until its batch is stored", async () => {
  using folder = temporaryFolder()
  const { collector, journal, full } = collect(folder)
  const [first, second] = [collector.addKept(line()), collector.addKept(line())]
  await first.kept()
  expect(second.kept()).toBeNull()
  const third = collector.addKept(line())
  collector.flush()
  expect(full).toHaveLength(1)
  await third.kept()
  expect(third.kept()).toBeNull()
  journal?.close()
  const left = FactJournal.open(folder.path, () => {})?.takeLeft() ?? []
  expect(left.map(({ lines }) => lines)).toEqual([full[0]?.text.split("\n") ?? []])
})

test("a publish that the journal does not take waits for RabbitMQ, and so do those after it in its batch", async () => {
  using folder = temporaryFolder()
  const { collector, journal, full } = collect(folder)
  journal?.close()
  const first = collector.addKept(line())
  const kept = first.kept()
  await nextTurn()
  const second = collector.addKept(line())
  const alsoKept = second.kept()
  collector.flush()
  const waited: string[] = []
  void kept?.then(() => waited.push("first"))
  void alsoKept?.then(() => waited.push("second"))
  await nextTurn()
  expect(waited).toEqual([])
  full[0]?.stored()
  await Promise.all([kept, alsoKept])
  expect([first.kept(), second.kept()]).toEqual([null, null])
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
  const kept = collector.addKept(line()).kept()
  collector.flush()
  for (const batch of full) end(batch)
  await kept
  journal?.close()
  expect(leftIn(folder)).toBe(0)
})

test("facts that are given up while they are collected are not kept either", async () => {
  using folder = temporaryFolder()
  const { collector, journal } = collect(folder)
  const kept = collector.addKept(line()).kept()
  collector.abandon()
  await kept
  journal?.close()
  expect(leftIn(folder)).toBe(0)
})

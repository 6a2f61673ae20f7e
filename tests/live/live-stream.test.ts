import { expect, test } from "bun:test"
import type { StoredBody, Watcher } from "../../src/engine/engine.ts"
import { TopicTreeFullError } from "../../src/event/topic-tree.ts"
import type { LiveClient, LiveFormat } from "../../src/live/audience.ts"
import { LiveStream } from "../../src/live/live-stream.ts"
import { waitUntil } from "../support/wait-until.ts"

/** The part of the engine that a live stream uses. */
class WatchedEngine {
  #watcher: Watcher | null = null

  get isWatched(): boolean {
    return this.#watcher !== null
  }

  async watch(watcher: Watcher): Promise<() => void> {
    this.#watcher = watcher
    return () => {
      this.#watcher = null
    }
  }

  store(routingKey: string): void {
    this.#watcher?.onEvent({ routingKey, body: routingKey, isForeign: false, malformed: null })
  }
}

class Client implements LiveClient {
  text = ""
  send(text: Uint8Array): void {
    this.text += new TextDecoder().decode(text)
  }
  miss(): void {}
}

const formatThatCounts = () => {
  const written: string[] = []
  const write = ({ body }: StoredBody): string => {
    written.push(body)
    return `${body};`
  }
  return { written, format: { name: "counting", write } satisfies LiveFormat }
}

const open = () => {
  const engine = new WatchedEngine()
  return { engine, live: new LiveStream(engine) }
}

test("an event is written once for all clients, however many topics they have", async () => {
  const { engine, live } = open()
  const { written, format } = formatThatCounts()
  const clients = Array.from({ length: 1_000 }, () => new Client())
  for (const [index, client] of clients.entries()) {
    await live.join(
      { patterns: [`only.${index}`, "events.*.ended", "#.ended"], within: null, format },
      client,
    )
  }
  engine.store("events.voice.ended")
  engine.store("only.7")
  await waitUntil(() => clients.every(({ text }) => text !== ""), "all clients to be served")
  expect(written).toEqual(["events.voice.ended", "only.7"])
  expect(clients[7]?.text).toBe("events.voice.ended;only.7;")
  expect(clients[8]?.text).toBe("events.voice.ended;")
})

test("topics that are equal only when they are joined are kept apart", async () => {
  const { engine, live } = open()
  const { format } = formatThatCounts()
  const [one, two] = [new Client(), new Client()]
  await live.join({ patterns: ["a b"], within: null, format }, one)
  await live.join({ patterns: ["a", "b"], within: null, format }, two)
  for (const key of ["a", "a b", "b"]) engine.store(key)
  await waitUntil(() => one.text !== "" && two.text !== "", "both clients to be served")
  expect([one.text, two.text]).toEqual(["a b;", "a;b;"])
})

test("the topics of all clients are bounded: one client too many is refused, and there is room when others leave", async () => {
  const { engine, live } = open()
  const { format } = formatThatCounts()
  // Words far behind a # have the lowest limit.
  const topicsOf = (client: number): readonly string[] =>
    Array.from({ length: 5 }, (_, index) => `*.#.${client}-${index}${".a".repeat(110)}`)
  const leaves: (() => void)[] = []
  const join = async () =>
    leaves.push(await live.join({ patterns: topicsOf(leaves.length), within: null, format }, new Client()))
  const joinUntilRefused = async () => {
    for (;;) await join()
  }
  await expect(joinUntilRefused()).rejects.toBeInstanceOf(TopicTreeFullError)
  expect([live.clientCount, leaves.length > 0]).toEqual([leaves.length, true])
  for (const leave of leaves.splice(0)) leave()
  await waitUntil(() => !engine.isWatched, "the engine to be left alone")
  await join()
  expect([live.clientCount, engine.isWatched]).toEqual([1, true])
})

import { beforeAll, describe, expect, test } from "bun:test"
import { COMPILERS, compileTyped } from "../support/typed-project.ts"

const closed = (properties: Record<string, unknown>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

const SCHEMAS = {
  "voice/speech_recognized.json": closed({ call_id: { type: "string" }, text: { type: "string" } }),
  "voice/speech_recognized@0.json": closed({ call: { type: "string" } }),
  "voice/call.ended.json": closed({ seconds: { type: "integer" } }),
  "voice/closed.json": closed({ call: { type: "string" } }),
  "user/closed.json": closed({ account: { type: "number" } }),
}

const IMPORTS = `import type {
  BatchHandlerModule, Event, EventDraft, EventPayloads, EventType, Handler, HandlerContext, HandlerModule, HandlerResult,
} from "event-broker"
declare const ctx: HandlerContext
export type Used = [BatchHandlerModule, Event, EventDraft, EventPayloads, EventType, Handler, HandlerModule, HandlerResult, typeof ctx]
`

/** Each line after `@ts-expect-error` has to have a fault; all others have none. */
const CASES: Readonly<Record<string, string>> = {
  "a handler's event has the payload of its schema": `
    export default { queue: "voice_events", on: {
      async speech_recognized(event, ctx): Promise<HandlerResult> {
        const text: string = event.payload.text
        // @ts-expect-error
        event.payload.txt
        return text === "" ? ctx.deadLetter("empty") : undefined
      },
      "call.ended": (event) => void event.payload.seconds.toFixed(),
    } } satisfies HandlerModule`,
  "a name without a schema, and *, take any payload": `
    export default { queue: "voice_events", on: {
      "other.name": (event, ctx) => ctx.log.info("other", { value: event.payload["anything"] }),
      "*": (event) => void event.payload["anything"],
    } } satisfies HandlerModule`,
  "the type tells the payloads of one name apart": `
    export default { queue: "own", bind: ["events.#"], on: {
      closed(event) {
        // @ts-expect-error
        event.payload.call
        if (event.type === "voice") void event.payload.call.length
        else void event.payload.account.toFixed()
      },
    } } satisfies HandlerModule`,
  "a module that names its predefined queue has the payloads of that type only": `
    export default { queue: "voice_events", on: {
      closed: (event) => void event.payload.call.length,
    } } satisfies HandlerModule<"voice_events">
    // @ts-expect-error
    export const other = { queue: "user_events", on: {} } satisfies HandlerModule<"voice_events">`,
  "a function for any event is one for an event with a schema, too": `
    const any: Handler = (event) => void event.payload["x"]
    export default { queue: "voice_events", on: {
      speech_recognized: any, "*": (event: Event, ctx: HandlerContext) => void [event, ctx],
    } } satisfies HandlerModule
    const handlers: Record<string, Handler> = { speech_recognized: any }
    export const module: HandlerModule = { queue: "voice_events", on: handlers }`,
  "a function of something that is no event is refused": `
    export default { queue: "voice_events", on: {
      // @ts-expect-error
      a: (event: string) => void event,
      // @ts-expect-error
      speech_recognized: (event: Event<"user", "closed">) => void event,
    } } satisfies HandlerModule`,
  "the events of a batch have the payload of their schema": `
    export default { queue: "voice_events", batch: { size: 10 }, on: {
      speech_recognized(events, ctx) {
        for (const { id, payload } of events) if (payload.text.length > 3) ctx.ack(id)
        // @ts-expect-error
        events[0]?.payload.txt
      },
      closed: (events) => void events.map((event) => (event.type === "user" ? event.payload.account : 0)),
      "*": (events) => void events[0]?.payload["x"],
    } } satisfies BatchHandlerModule`,
  "a published draft has the payload of its schema": `
    void ctx.publish({ type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: "hello" }, priority: "high" })
    // @ts-expect-error
    void ctx.publish({ type: "voice", name: "speech_recognized", payload: { call_id: "c-1" } })
    // @ts-expect-error
    void ctx.publish({ type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: 1 } })
    // @ts-expect-error
    void ctx.publish({ type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: "", txt: "" } })
    // @ts-expect-error
    void ctx.publish({ type: "voices", name: "speech_recognized", payload: {} })`,
  "a published draft without a schema has any payload, and so has one whose name is not known": `
    void ctx.publish({ type: "user", name: "speech_recognized", payload: { any: [1] } })
    const draft: EventDraft = { type: "voice", name: "speech_recognized", payload: { call: "of version 0" } }
    void ctx.publish(draft)
    const name: string = draft.name
    void ctx.publish({ type: "voice", name, payload: { any: [1] } })
    // @ts-expect-error
    void ctx.publish({ type: "user", name: "login", payload: "text" })`,
  "a payload of a schema can be published as that of an event without one": `
    export default { queue: "voice_events", on: {
      async speech_recognized(event, ctx) {
        await ctx.publish({ type: "custom", name: "copied", payload: event.payload })
        await ctx.publish({ ...event, id: "again" })
      },
    } } satisfies HandlerModule`,
  "versions have types of their own": `
    export const old: EventPayloads["voice/speech_recognized@0"] = { call: "c-1" }
    export const now: EventPayloads["voice/speech_recognized@1"] = { call_id: "c-1", text: "hello" }
    // @ts-expect-error
    export const none: EventPayloads["voice/call.ended@1"]`,
  "a context made for tests publishes and remembers drafts of any kind": `
    const newEvent = <Type extends EventType, Name extends string>(draft: EventDraft<Type, Name>): Event<Type, Name> =>
      ({ id: "1", routing_key: "k", priority: "medium", metadata: {}, timestamp: 1, status: "pending", retry_count: 0,
         type: draft.type, name: draft.name, payload: draft.payload })
    const published: Event[] = []
    const plain = (draft: EventDraft): Event => newEvent(draft)
    export const own: Pick<HandlerContext, "publish"> = { publish: async (draft) => {
      published.push(newEvent(draft))
      return plain(draft)
    } }
    const module = { queue: "voice_events", on: {
      speech_recognized: (event, ctx) => ctx.log.info(event.payload.text),
    } } satisfies HandlerModule
    module.on.speech_recognized(
      newEvent({ type: "voice", name: "speech_recognized", payload: { call_id: "c", text: "t" } }), ctx)`,
}

/** Modules and drafts of a project that has no schemas. */
const FREE = `
  export default { queue: "voice_events", on: {
    speech_recognized: async (event, ctx) => {
      ctx.log.info(String(event.payload["text"]), { type: event.type, key: event.ordering_key })
      await ctx.publish({ type: "voice", name: "speech_recognized", payload: { any: 1 } })
    },
  } } satisfies HandlerModule
  export const batch = { queue: "q", batch: { size: 2 }, on: {
    "*": (events, ctx) => events.forEach(({ id, payload }) => payload["x"] === 1 && ctx.ack(id)),
  } } satisfies BatchHandlerModule`

/** The name of a case's file, which a complaint about it begins with. */
const fileOf = (title: string): string => `${title.replaceAll(/\W+/g, "-")}.ts`

describe.each(COMPILERS)("compiled by %s", (compiler) => {
  let complaints: readonly string[] = []
  beforeAll(async () => {
    const files = Object.entries(CASES).map(([title, code]) => [fileOf(title), IMPORTS + code])
    complaints = (await compileTyped(SCHEMAS, Object.fromEntries(files), compiler)).split("\n")
  })

  test.each(Object.keys(CASES))("%s", (title) => {
    expect(complaints.filter((line) => line.startsWith(fileOf(title)))).toEqual([])
  })

  test("the types themselves have no fault", () => {
    const files = Object.keys(CASES).map(fileOf)
    const others = complaints.filter((line) => !files.some((file) => line.startsWith(file)))
    expect(others).toEqual([""])
  })

  test("without schemas, modules and drafts take any payload", async () => {
    expect(await compileTyped({}, { "free.ts": IMPORTS + FREE }, compiler)).toBe("")
  })
})

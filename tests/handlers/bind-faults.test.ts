import { describe, expect, test } from "bun:test"
import { findBindFaults } from "../../src/handlers/bind-faults.ts"
import { readManifests } from "../../src/handlers/manifest.ts"

const KNOWN = [
  { type: "voice", name: "speech_recognized" },
  { type: "user", name: "login" },
]

interface Module {
  readonly queue?: string
  readonly bind?: readonly string[]
  readonly names: readonly string[]
}

const faultsOf = (...modules: readonly Module[]) => {
  const descriptions = modules.map(({ queue = "audit", bind, names }, place) => {
    const on = Object.fromEntries(names.map((name) => [name, "a function"]))
    return { file: `${place}.ts`, exported: { queue, ...(bind && { bind }), on } }
  })
  return findBindFaults(readManifests(descriptions), KNOWN)
}

describe("a pattern that is probably mistyped is a mistake, with what was meant:", () => {
  test.each([
    ["voice.call.ended", "events.voice.call.ended"],
    ["voice.#", "events.voice.#"],
    ["voice", "events.voice.#"],
    ["events.voice", "events.voice.#"],
    ["event.voice.#", "events.voice.#"],
    ["Events.voice.#", "events.voice.#"],
    ["events.vioce.#", "events.voice.#"],
    ["events.users.login", "events.user.login"],
    ["events.speech_recognized", "events.voice.speech_recognized"],
    ["login", "events.user.login"],
    ["events.voice.speech_reconized", "events.voice.speech_recognized"],
  ])("%s", (pattern, nearest) => {
    const [fault, ...others] = faultsOf({ bind: [pattern, pattern], names: ["*"] })
    expect(others).toEqual([])
    expect(fault).toMatchObject({ file: "0.ts", queue: "audit", pattern, isMistake: true })
    expect(fault?.message).toEndWith(`; did you mean ${nearest}?`)
  })

  test.each([
    ["events.voice.speech_*", "speech_* is not a wildcard: * stands for one whole word"],
    ["events.voice.**", "** is not a wildcard"],
    ["events.voice.", "it has an empty word"],
    ["events..login", "it has an empty word"],
  ])("%s", (pattern, reason) => {
    const faults = faultsOf({ bind: [pattern], names: ["*"] })
    expect(faults).toEqual([expect.objectContaining({ isMistake: true })])
    expect(faults[0]?.message).toContain(reason)
  })

  test("a name that is near one of the queue's functions", () => {
    const [fault] = faultsOf({ bind: ["events.user.logn"], names: ["login"] })
    expect(fault).toMatchObject({
      message: "no function for the queue audit handles logn; did you mean events.user.login?",
      isMistake: true,
    })
  })

  test("a name that is near a function of another module", () => {
    const [fault] = faultsOf(
      { bind: ["events.custom.invoice.piad"], names: ["*"] },
      { queue: "custom_events", names: ["invoice.paid"] },
    )
    expect(fault?.message).toEndWith("; did you mean events.custom.invoice.paid?")
  })
})

describe("a pattern that takes only events with a routing_key of their own is no mistake, and is explained:", () => {
  test.each(["together", "audit.#", "customers.orders.*", "events.billing.#"])("%s", (pattern) => {
    const faults = faultsOf({ bind: [pattern], names: ["*"] })
    expect(faults).toEqual([expect.objectContaining({ pattern, isMistake: false })])
    expect(faults[0]?.message).toContain("unless a publisher sets a routing_key")
  })

  test("a name that no function of the queue takes", () => {
    expect(faultsOf({ bind: ["events.user.login"], names: ["payment.refunded"] })).toEqual([
      expect.objectContaining({
        message: "no function for the queue audit handles login: an event of this name becomes a dead letter",
        isMistake: false,
      }),
    ])
  })
})

test.each([
  "#",
  "*.*.login",
  "events.#",
  "events.*.login",
  "events.voice.*",
  "events.user.#.done",
  "events.voice.call.ended",
  "events.voice.speech_recognized_2",
  "events.user.login",
  "events.user.logout",
])("nothing is said of %s, which takes events as they are", (pattern) => {
  expect(faultsOf({ bind: [pattern], names: ["*"] })).toEqual([])
})

test("nothing is said of a name that another module of the same queue takes", () => {
  const faults = faultsOf({ bind: ["events.user.login"], names: ["logout"] }, { names: ["login"] })
  expect(faults).toEqual([])
})

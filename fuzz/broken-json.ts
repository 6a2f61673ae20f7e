import type { Dice } from "./dice.ts"

/** Names that mean something to JavaScript's objects. */
const PROTOTYPE_NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then"]

const FIELDS = [
  "id",
  "type",
  "name",
  "routing_key",
  "payload",
  "priority",
  "metadata",
  "ordering_key",
  "timestamp",
  "status",
  "retry_count",
]

const MAX_DEPTH = 200_000

/** Any value that JSON has, and some that are hard to keep. */
export function anyValue(dice: Dice): unknown {
  return dice.oneOf<() => unknown>([
    () => null,
    () => dice.chance(0.5),
    () => dice.oneOf([0, -1, 1.5, 1e21, -0, 2 ** 53, 5e-324]),
    () => dice.text(20),
    () => "x".repeat(dice.below(2_000)),
    () => [],
    () => [dice.text(5), null, {}],
    () => ({}),
    () => JSON.parse(`{"${dice.oneOf(PROTOTYPE_NAMES)}": {"polluted": true}}`),
    () => dice.oneOf(["voice", "critical", "events.voice.#", "a..b", "*", "#"]),
  ])()
}

/** An event, some of whose fields hold anything, are missing, or are none. */
export function mutatedEvent(dice: Dice): Record<string, unknown> {
  const event: Record<string, unknown> = {
    type: "voice",
    name: "speech_recognized",
    payload: { text: "hello" },
  }
  for (let i = dice.below(4); i > 0; i--) {
    const field = dice.oneOf([...FIELDS, ...PROTOTYPE_NAMES, dice.text(8)])
    if (dice.chance(0.2)) delete event[field]
    else
      Object.defineProperty(event, field, {
        value: anyValue(dice),
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  return event
}

/** Text that begins as JSON of an event does, and is broken somehow; or bytes that are not text. */
export function brokenText(dice: Dice): string | Uint8Array {
  const text = JSON.stringify(mutatedEvent(dice))
  const at = dice.below(text.length)
  return dice.oneOf<() => string | Uint8Array>([
    () => "",
    () => text.slice(0, at),
    () => text.slice(0, at) + dice.text(3) + text.slice(at),
    () => text.slice(at) + text.slice(0, at),
    () => `\ufeff${text}`,
    () => `${text}${text}`,
    () => text.replace("{", "{,"),
    () => text.replace(/"/g, "'"),
    () =>
      `{"type":"voice","type":${JSON.stringify(anyValue(dice))},"name":"a","name":"b","payload":{},"payload":{"a":1,"a":2}}`,
    () =>
      dice.oneOf([
        "NaN",
        "Infinity",
        "undefined",
        "1e999",
        '{"type":"voice","name":"a","payload":{"n":1e999}}',
      ]),
    () => nested(dice),
    () => withFlippedByte(dice, text),
    () => Uint8Array.from({ length: dice.below(100) }, () => dice.below(256)),
  ])()
}

function nested(dice: Dice): string {
  const depth = dice.oneOf([99, 101, 1_000, dice.below(MAX_DEPTH)])
  const [open, close] = dice.oneOf([
    ["[", "]"],
    ['{"a":', "}"],
  ] as const)
  const ends = dice.chance(0.5) ? close.repeat(depth) : ""
  return `{"type":"custom","name":"deep","payload":{"a":${open.repeat(depth)}1${ends}}}`
}

function withFlippedByte(dice: Dice, text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  const at = dice.below(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8))
  return bytes
}

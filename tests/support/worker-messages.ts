import fc from "fast-check"

/** Returns a new seed, and prints it so that a failure can be repeated. */
export function seedOf(): number {
  const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31))
  process.stdout.write(`seed ${seed} (FUZZ_SEED)\n`)
  return seed
}

/** Any JavaScript value, including values that can't be cloned. */
export const anyValue = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true,
})

const number = fc.oneof(fc.nat(60), fc.constantFrom(-1, 0.5, Number.NaN, Infinity, 2 ** 53, 1e300), anyValue)
const text = fc.oneof(fc.string(), fc.constantFrom("{}", "[", "null", "x".repeat(100_000)), anyValue)
const error = fc.oneof(fc.record({ name: text, message: text, stack: text }, { requiredKeys: [] }), anyValue)
const call = fc.record({ module: text, queue: text, eventId: text, attempt: number }, { requiredKeys: [] })
const outcome = fc.oneof(
  fc.record(
    {
      kind: fc.constantFrom(
        "done",
        "retry",
        "dead-letter",
        "failed",
        "loop-suspected",
        "timeout",
        "returned",
        "constructor",
      ),
      delayMs: number,
      reason: text,
      error,
      isPermanent: fc.oneof(fc.boolean(), anyValue),
    },
    { requiredKeys: ["kind"] },
  ),
  anyValue,
)

/** A message of the worker's protocol with some invalid fields. */
export const nearMessage = fc.record(
  {
    kind: fc.constantFrom(
      "loading",
      "loaded",
      "load-failed",
      "settled",
      "event-settled",
      "abort-seen",
      "publish",
      "log",
      "torn-down",
      "memory-exceeded",
      "measured",
      "crashing",
      "__proto__",
      "toString",
    ),
    job: fc.oneof(number, fc.constant(null)),
    outcome,
    durationMs: number,
    cpuTime: fc.oneof(fc.record({ ownMs: number, sharedMs: number }, { requiredKeys: [] }), anyValue),
    heapBytes: number,
    place: number,
    call: fc.oneof(number, fc.constant(null), call),
    cause: fc.oneof(fc.constantFrom("error", "rejection", "exit", "own-code"), anyValue),
    module: fc.oneof(fc.constantFrom(null, "tested.ts"), text),
    draft: text,
    level: fc.oneof(fc.constantFrom("debug", "info", "warn", "error", "fatal", "constructor"), anyValue),
    message: text,
    fields: text,
    error,
    modules: fc.oneof(fc.array(fc.record({ file: text, exported: anyValue })), anyValue),
    file: text,
    fault: fc.oneof(
      fc.record({
        message: text,
        at: fc.oneof(fc.record({ path: text, line: number, column: number }), fc.constant(null), anyValue),
      }),
      anyValue,
    ),
  },
  { requiredKeys: ["kind"] },
)

import { describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { VARIABLE_GROUPS } from "../src/config/groups.ts"
import {
  ConfigError,
  describeSettings,
  describeVariables,
  explainEngine,
  parseConfig,
  readEnvironment,
} from "../src/config.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

function faultsOf(environment: Record<string, string>): readonly { name: string; message: string }[] {
  try {
    parseConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

/** Returns what `config` shows as the source of the password. */
function sourceOfPassword(file: string): string | undefined {
  const before = process.env["RABBITMQ_PASSWORD_FILE"]
  process.env["RABBITMQ_PASSWORD_FILE"] = file
  try {
    return describeSettings("no file").find(({ name }) => name === "RABBITMQ_PASSWORD")?.source
  } finally {
    if (before === undefined) delete process.env["RABBITMQ_PASSWORD_FILE"]
    else process.env["RABBITMQ_PASSWORD_FILE"] = before
  }
}

const DEFAULTS = {
  ENGINE: "embedded",
  HOST: "0.0.0.0",
  PORT: 8_000,
  LOG_LEVEL: "INFO",
  LOG_FORMAT: "auto",
  DATA_DIR: "data",
  RABBITMQ_HOST: [{ host: "rabbitmq", port: null }],
  RABBITMQ_PORT: 5_672,
  RABBITMQ_USER: "guest",
  RABBITMQ_PASSWORD: "guest",
  RABBITMQ_VHOST: "/",
  RABBITMQ_TLS: false,
  DEFAULT_EXCHANGE: "events",
  DEFAULT_EXCHANGE_TYPE: "topic",
  QUEUE_TYPE: "quorum",
  TOPOLOGY: "declare",
  CONFIRM_TIMEOUT: 10_000,
  RABBITMQ_CONSUMER_TIMEOUT: 1_800_000,
  HANDLERS_DIR: "handlers",
  RELOAD: "manual",
  SCHEMAS_DIR: "",
  SCHEMA_VALIDATION: "enforce",
  SCHEMA_UNKNOWN: "allow",
  HISTORY: "on",
  HISTORY_RETENTION: 86_400_000,
  HISTORY_MAX_BYTES: 1_073_741_824,
  QUEUE_TTL: 86_400_000,
  QUEUE_MAX_LENGTH: 10_000,
  QUEUE_OVERFLOW: "reject-publish",
  WORKER_POOL_SIZE: 5,
  WORKER_PREFETCH_COUNT: 10,
  WORKER_MEMORY: 0,
  API_KEYS_FILE: "",
  MAX_BODY_BYTES: 1_048_576,
  MAX_BATCH_BYTES: 16_777_216,
  MAX_BUFFERED_BYTES: 268_435_456,
  BODY_TIMEOUT: 30_000,
  KEEP_ALIVE_TIMEOUT: 75_000,
  RATE_LIMIT: 0,
  CORS_ORIGINS: [],
  ALLOWED_HOSTS: [],
  CONSOLE: "on",
  CONSOLE_LABEL: "",
  MAX_IN_FLIGHT: 5_000,
  MAX_HOPS: 16,
  DEDUPLICATION_WINDOW: 600_000,
  SERVICE_DISCOVERY_URL: "",
  SERVICE_HOST: "",
  OTEL_EXPORTER_OTLP_ENDPOINT: "",
  OTEL_SERVICE_NAME: "event-broker",
  SHUTDOWN_DELAY: 0,
  SHUTDOWN_TIMEOUT: 10_000,
}

test("each variable is in one group of the help", () => {
  const grouped = Object.values(VARIABLE_GROUPS).flat().toSorted()
  expect<readonly string[]>(grouped).toEqual(Object.keys(DEFAULTS).toSorted())
})

test("an empty environment gives the defaults", () => {
  expect<unknown>(parseConfig({})).toEqual(DEFAULTS)
})

test("an empty variable counts as not set", () => {
  const empty = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, ""]))
  expect<unknown>(parseConfig(empty)).toEqual(DEFAULTS)
})

test("variables of other programs are ignored", () => {
  expect<unknown>(parseConfig({ PATH: "/bin", PORT: "9000" })).toEqual({ ...DEFAULTS, PORT: 9_000 })
})

test("the link that Kubernetes sets for a service named rabbitmq is not taken for its port", () => {
  expect<unknown>(parseConfig({ RABBITMQ_PORT: "tcp://10.0.0.11:5672" })).toEqual(DEFAULTS)
})

test("a word can be in upper or lower case, and the log level can be warn, as in the log", () => {
  const words = { LOG_LEVEL: "warning", LOG_FORMAT: "JSON", ENGINE: "RabbitMQ", RABBITMQ_TLS: "True" }
  const config = { LOG_LEVEL: "WARNING", LOG_FORMAT: "json", ENGINE: "rabbitmq", RABBITMQ_TLS: true }
  expect(parseConfig(words)).toMatchObject(config)
  for (const level of ["WARN", "warn"]) expect(parseConfig({ LOG_LEVEL: level }).LOG_LEVEL).toBe("WARNING")
})

test.each([
  ["LOG_LEVEL", "WARNIGN", 'takes DEBUG, INFO, WARNING or ERROR, not "WARNIGN"; did you mean WARNING?'],
  ["LOG_LEVEL", "TRACE", 'takes DEBUG, INFO, WARNING or ERROR, not "TRACE"; did you mean DEBUG?'],
  ["LOG_LEVEL", "loud", 'takes DEBUG, INFO, WARNING or ERROR, not "loud"'],
  ["ENGINE", "constructor", 'takes embedded or rabbitmq, not "constructor"'],
  ["ENGINE", "rabbit", 'takes embedded or rabbitmq, not "rabbit"; did you mean rabbitmq?'],
  ["ENGINE", "SQLite", 'takes embedded or rabbitmq, not "SQLite"; did you mean embedded?'],
  ["ENGINE", " embedded", 'takes embedded or rabbitmq, not " embedded"; did you mean embedded?'],
  ["RABBITMQ_TLS", "yes", 'takes true or false, not "yes"; did you mean true?'],
  ["RABBITMQ_TLS", "0", 'takes true or false, not "0"; did you mean false?'],
  ["RABBITMQ_TLS", "ture", 'takes true or false, not "ture"; did you mean true?'],
  [
    "BODY_TIMEOUT",
    "5S",
    'takes a whole number of milliseconds from 100 to 50000, not "5S"; did you mean 5000 (5 seconds)?',
  ],
  [
    "BODY_TIMEOUT",
    "10 s",
    'takes a whole number of milliseconds from 100 to 50000, not "10 s"; did you mean 10000 (10 seconds)?',
  ],
  ["BODY_TIMEOUT", "2min", 'takes a whole number of milliseconds from 100 to 50000, not "2min"'],
  ["BODY_TIMEOUT", "soon", 'takes a whole number of milliseconds from 100 to 50000, not "soon"'],
  [
    "MAX_BODY_BYTES",
    "64MB",
    'takes a whole number of bytes from 1024 to 268435456, not "64MB"; did you mean 67108864 (64 MiB)?',
  ],
  [
    "MAX_BODY_BYTES",
    "1.5 KiB",
    'takes a whole number of bytes from 1024 to 268435456, not "1.5 KiB"; did you mean 1536?',
  ],
  ["WORKER_MEMORY", "512", 'takes 0, or a whole number of bytes from 67108864 to 68719476736, not "512"'],
  ["WORKER_MEMORY", "256MB", 'to 68719476736, not "256MB"; did you mean 268435456 (256 MiB)?'],
  ["QUEUE_MAX_LENGTH", "1_000", "did you mean 1000?"],
  ["QUEUE_MAX_LENGTH", "10k", "did you mean 10000?"],
  ["RATE_LIMIT", "1.5k", "did you mean 1500?"],
  ["RABBITMQ_HOST", "a:99999", 'takes ports from 1 to 65535, not "a:99999"'],
  ["RABBITMQ_HOST", "a,b:0", 'takes ports from 1 to 65535, not "a,b:0"'],
  ["RABBITMQ_HOST", "[::1]:123456", 'takes ports from 1 to 65535, not "[::1]:123456"'],
  ["HOST", "a:80", 'without a scheme, brackets or the port, which PORT sets, not "a:80"'],
  ["PORT", " 80", 'takes a whole number from 0 to 65535, not " 80"; did you mean 80?'],
  ["PORT", "80s", 'takes a whole number from 0 to 65535, not "80s"'],
])("%s=%s is refused, and what was probably meant is suggested", (name, value, message) => {
  const [fault] = faultsOf({ [name]: value })
  expect(fault?.message).toEndWith(message)
})

test("every wrong variable is reported at once, with its allowed values and its value", () => {
  const wrong = { PORT: "eighty", LOG_LEVEL: "loud", QUEUE_OVERFLOW: "block", WORKER_POOL_SIZE: "0" }
  const faults = faultsOf({ ...wrong, QUEUE_TTL: "86400000" })
  expect(faults.map(({ name }) => name).toSorted()).toEqual(Object.keys(wrong).toSorted())
  for (const [name, value] of Object.entries(wrong)) {
    expect(faults.find((fault) => fault.name === name)?.message).toContain(JSON.stringify(value))
    expect(() => parseConfig(wrong)).toThrow(name)
  }
})

test("the limit on a batch is at least that of one event", () => {
  const [fault] = faultsOf({ MAX_BODY_BYTES: "20000000" })
  expect(fault).toEqual({
    name: "MAX_BATCH_BYTES",
    message: "is 16777216: set it to at least MAX_BODY_BYTES (20000000)",
  })
})

test("the limit on all bodies is at least that of one batch", () => {
  const [fault] = faultsOf({ MAX_BUFFERED_BYTES: "1048576" })
  expect(fault).toEqual({
    name: "MAX_BUFFERED_BYTES",
    message: "is 1048576: set it to at least MAX_BATCH_BYTES (16777216)",
  })
})

test("an idle connection stays open longer than any request on it can wait", () => {
  const message = "is 59999: set it to at least 60000, 10000 more than BODY_TIMEOUT and CONFIRM_TIMEOUT"
  for (const name of ["BODY_TIMEOUT", "CONFIRM_TIMEOUT"]) {
    expect(faultsOf({ KEEP_ALIVE_TIMEOUT: "59999", [name]: "50000" })).toEqual([
      { name: "KEEP_ALIVE_TIMEOUT", message },
    ])
  }
  expect(parseConfig({ KEEP_ALIVE_TIMEOUT: "60000", BODY_TIMEOUT: "50000" }).KEEP_ALIVE_TIMEOUT).toBe(60_000)
})

test("the error for a wrong URL does not show its password", () => {
  const [fault] = faultsOf({ SERVICE_DISCOVERY_URL: "http://user:secret@registry" })
  expect(fault?.message).toContain("//********@registry")
  expect(fault?.message).not.toContain("secret")
})

describe("what may be a secret is not shown", () => {
  /** Stands in every secret, and nowhere else. */
  const MARK = "S3cr3t"

  const secret = fc
    .tuple(fc.string({ maxLength: 8 }), fc.constantFrom("", "@", ":", "/", ",", "?", "#", "\n", '"', "://"))
    .map(([text, separator]) => `${MARK}${separator}${text.replaceAll("\0", "")}${separator}${MARK}`)

  const host = fc.constantFrom("127.0.0.1", "[::1]:5672", "rabbit", "a,b:1", "host/path", "")

  /** The ways in which people write a user and a password before a host, or a token after it. */
  const value = fc
    .tuple(fc.constantFrom("", "amqp://", "amqps://", "http://", "a,", "amqp://b,amqp://"), secret, host)
    .chain(([scheme, secret, host]) =>
      fc.constantFrom(
        `${scheme}guest:${secret}@${host}`,
        `${scheme}${secret}@${host}`,
        `${scheme}:${secret}@${host}`,
        `${scheme}guest:${secret}@${host},${secret}@${host}`,
        `${scheme}${host}?token=${secret}`,
        `${scheme}${host}#${secret}`,
      ),
    )

  const names = Object.keys(DEFAULTS)

  test("in what a configuration error says, whatever variable has it", () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), value, (name, text) => {
        for (const fault of faultsOf({ [name]: text })) expect(fault.message).not.toContain(MARK)
      }),
      { numRuns: 2_000 },
    )
  })

  test("in the list of settings", () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), value, (name, text) => {
        const before = process.env[name]
        process.env[name] = text
        try {
          expect(JSON.stringify(describeSettings("no file"))).not.toContain(MARK)
        } finally {
          if (before === undefined) delete process.env[name]
          else process.env[name] = before
        }
      }),
    )
  })

  test.each([
    ["guest:s3cr3tpw@127.0.0.1", '"********@127.0.0.1"'],
    ["amqp://guest:s3cr3tpw@127.0.0.1", '"amqp://********@127.0.0.1"'],
    ["a,guest:s3cr3tpw@b", '"********@b"'],
    ["s3cr3tpw@b", '"********@b"'],
    ["b?s3cr3tpw", '"b?********"'],
    ["b?s3cr3t@pw", '"********"'],
  ])("RABBITMQ_HOST=%s is rejected and shown as %s", (text, shown) => {
    expect(faultsOf({ RABBITMQ_HOST: text }).map(({ message }) => message)).toEqual([
      `takes names or addresses separated by commas, without a user, such as a,b:5673,[::1], not ${shown}`,
    ])
  })

  test("where the password itself is given for its file", () => {
    const given = { RABBITMQ_PASSWORD_FILE: "s3cr3tpw" }
    expect(faultsOf(given)).toEqual([
      {
        name: "RABBITMQ_PASSWORD_FILE",
        message:
          "takes the path of a readable file: the given one, which is not shown because it may be the secret itself, " +
          "does not exist",
      },
    ])
    expect(sourceOfPassword("s3cr3tpw")).toBe("RABBITMQ_PASSWORD_FILE")
  })
})

test.each(["http://h", "[::1]", "localhost:80", "127.0.0.1:80", "a b"])("HOST can't be %s", (host) => {
  expect(faultsOf({ HOST: host }).map(({ name }) => name)).toEqual(["HOST"])
})

test.each(["::1", "0.0.0.0", "localhost", "broker.example.com"])("HOST can be %s", (host) => {
  expect(faultsOf({ HOST: host })).toEqual([])
})

test.each(["http://h", "a b", "h:1"])("SERVICE_HOST is only a host, not %s", (host) => {
  expect(faultsOf({ SERVICE_HOST: host }).map(({ name }) => name)).toEqual(["SERVICE_HOST"])
  expect(parseConfig({ SERVICE_HOST: "fd00::1" }).SERVICE_HOST).toBe("fd00::1")
})

test.each(["broker:8000", "http://broker", "a b", "a,,b", "-a", "*.example.com"])(
  "ALLOWED_HOSTS has only names, not %s",
  (hosts) => {
    expect(faultsOf({ ALLOWED_HOSTS: hosts }).map(({ name }) => name)).toEqual(["ALLOWED_HOSTS"])
  },
)

describe("the registry's address", () => {
  test("means http if it has no scheme", () => {
    const parsed = (url: string) => parseConfig({ SERVICE_DISCOVERY_URL: url }).SERVICE_DISCOVERY_URL
    expect(parsed("service-discovery:8000")).toBe("http://service-discovery:8000")
    expect(parsed("https://registry/a")).toBe("https://registry/a")
  })

  test.each([
    "ftp://registry",
    "http://user:secret@registry",
    "http://",
    "a b",
    "registry?x=1",
    "registry#x",
  ])("is refused if it is not valid: %s", (url) => {
    expect(faultsOf({ SERVICE_DISCOVERY_URL: url }).map(({ name }) => name)).toEqual([
      "SERVICE_DISCOVERY_URL",
    ])
  })
})

describe("a value that is not a number, or out of range, is refused", () => {
  const cases = [
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "80.5"],
    ["PORT", "0x50"],
    ["PORT", "1e3"],
    ["PORT", " 80"],
    ["QUEUE_TTL", "999"],
    ["QUEUE_MAX_LENGTH", "0"],
    ["MAX_BODY_BYTES", "1M"],
    ["SHUTDOWN_TIMEOUT", "99999999999999999999"],
  ] as const
  test.each(cases)("%s=%s", (name, value) => {
    expect(faultsOf({ [name]: value }).map((fault) => fault.name)).toEqual([name])
  })
})

describe("if RABBITMQ_HOST is set", () => {
  test("and ENGINE is not, RabbitMQ is used", () => {
    expect(parseConfig({ RABBITMQ_HOST: "localhost" }).ENGINE).toBe("rabbitmq")
    expect(parseConfig({ RABBITMQ_HOST: "localhost", ENGINE: "" }).ENGINE).toBe("rabbitmq")
    expect(explainEngine({ RABBITMQ_HOST: "localhost" })).toBe("RABBITMQ_HOST is set")
  })

  test("and ENGINE is embedded, the embedded engine is used", () => {
    expect(parseConfig({ RABBITMQ_HOST: "localhost", ENGINE: "embedded" }).ENGINE).toBe("embedded")
  })

  test("to an empty text, it counts as not set", () => {
    expect(parseConfig({ RABBITMQ_HOST: "" }).ENGINE).toBe("embedded")
  })

  test("to several hosts, each can have its own port", () => {
    expect(parseConfig({ RABBITMQ_HOST: "a, b:5673,[::1]:5674" }).RABBITMQ_HOST).toEqual([
      { host: "a", port: null },
      { host: "b", port: 5673 },
      { host: "::1", port: 5674 },
    ])
  })

  test.each(["a,,b", "http://a", "a:port", "a:-1", "a:", "a b"])("to %s, the start is refused", (value) => {
    expect(faultsOf({ RABBITMQ_HOST: value }).map(({ name }) => name)).toEqual(["RABBITMQ_HOST"])
  })
})

test("an unknown engine is refused", () => {
  expect(faultsOf({ ENGINE: "kafka" }).map(({ name }) => name)).toEqual(["ENGINE"])
})

describe("the .env file", () => {
  test("supplies variables that the environment lacks, and the environment wins", () => {
    using folder = temporaryFolder()
    const file = join(folder.path, ".env")
    writeFileSync(file, "# a comment\nEVENT_BROKER_TESTED=from file\nPATH=from file\n")
    const environment = readEnvironment(file)
    expect(environment["EVENT_BROKER_TESTED"]).toBe("from file")
    expect(environment["PATH"]).toBe(process.env["PATH"])
  })

  test("is not expanded: a $ in a value is a $", () => {
    using folder = temporaryFolder()
    const file = join(folder.path, ".env")
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the file.
    const braces = "${PATH}"
    writeFileSync(
      file,
      `TESTED_A=pa$HOME$word\nTESTED_B="${braces}"\nTESTED_C='$1'\nTESTED_D=${braces}\nTESTED_E=a$\n`,
    )
    expect(readEnvironment(file)).toMatchObject({
      TESTED_A: "pa$HOME$word",
      TESTED_B: braces,
      TESTED_C: "$1",
      TESTED_D: braces,
      TESTED_E: "a$",
    })
  })

  test("can be missing", () => {
    using folder = temporaryFolder()
    expect(readEnvironment(join(folder.path, ".env"))).toEqual({ ...process.env })
  })
})

/** Reads a file like `docker run --env-file`: each line that is not a comment, without expansion. */
function readEnvironmentFile(file: string): Record<string, string> {
  const lines = readFileSync(new URL(`../${file}`, import.meta.url), "utf8").split("\n")
  const set = lines.filter((line) => line !== "" && !line.startsWith("#"))
  return Object.fromEntries(set.map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)]))
}

describe("every variable is documented with its default, its values and its meaning", () => {
  const linesOf = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8").split("\n")
  const variables = describeVariables()

  test("and has a meaning", () => {
    expect(variables.map(({ name }) => name as string)).toEqual(Object.keys(DEFAULTS))
    for (const { meaning } of variables) expect(meaning).toMatch(/\.$/)
  })

  test.each(variables.map((variable) => [variable.name, variable] as const))(
    "in docs/configuration.md: %s",
    (name, { readableDefault, takes, meaning }) => {
      const rows = linesOf("docs/configuration.md").filter((line) => line.startsWith(`| \`${name}\` |`))
      const cells = rows.map((row) => row.split("|").map((cell) => cell.trim().replaceAll("`", "")))
      expect(cells).toEqual([["", name, readableDefault, takes, meaning, ""]])
    },
  )

  test.each(variables.map((variable) => [variable.name, variable] as const))(
    "in .env.example: %s",
    (name, { default: fallback, takes, meaning }) => {
      const paragraphs = linesOf(".env.example").join("\n").split("\n\n")
      const paragraph = paragraphs.find((each) => new RegExp(`^(# )?${name}=`, "m").test(each)) ?? ""
      const lines = paragraph
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/^# /, ""))
      const value = name === "SERVICE_DISCOVERY_URL" ? "service-discovery:8000" : fallback
      expect(lines.at(-1)).toBe(`${name}=${value}`)
      expect(lines.slice(0, -1).join(" ")).toBe(takes === "" ? meaning : `${meaning} Values: ${takes}.`)
    },
  )

  test("with every choice, and every number's unit and range", () => {
    const takes = Object.fromEntries(variables.map((each) => [each.name, each.takes]))
    expect(takes).toMatchObject({
      SCHEMA_VALIDATION: "enforce (reject it), warn (store it and log a warning) or off (check nothing)",
      LOG_LEVEL: "DEBUG, INFO, WARNING or ERROR",
      QUEUE_TTL: "milliseconds, 1000 (1 second) to 31536000000 (365 days)",
      MAX_BODY_BYTES: "bytes, 1024 (1 KiB) to 268435456 (256 MiB)",
      PORT: "0 to 65535",
    })
  })

  test(".env.example configures RabbitMQ and a registry, and leaves the folders to the image", () => {
    const environment = readEnvironmentFile(".env.example")
    expect(parseConfig(environment)).toMatchObject({
      ENGINE: "rabbitmq",
      RABBITMQ_HOST: [{ host: "rabbitmq", port: null }],
      SERVICE_DISCOVERY_URL: "http://service-discovery:8000",
    })
    for (const name of ["ENGINE", "DATA_DIR", "HANDLERS_DIR"]) expect(environment).not.toHaveProperty(name)
  })

  test(".env.example without the lines that it names at its top is one process without RabbitMQ", () => {
    const top = linesOf(".env.example").filter((line) => line.startsWith("# For one container"))
    const named = top.flatMap((line) => [...line.matchAll(/([A-Z_]+)=…/g)].map(([, name = ""]) => name))
    expect(named).toEqual(["RABBITMQ_HOST", "SERVICE_DISCOVERY_URL"])
    const rest = Object.entries(readEnvironmentFile(".env.example")).filter(([name]) => !named.includes(name))
    const { ENGINE, SERVICE_DISCOVERY_URL } = parseConfig(Object.fromEntries(rest))
    expect([ENGINE, SERVICE_DISCOVERY_URL]).toEqual(["embedded", parseConfig({}).SERVICE_DISCOVERY_URL])
  })
})

describe("a secret from a file", () => {
  test("is the content of the file, without its last newline", () => {
    using folder = temporaryFolder()
    const file = join(folder.path, "password")
    writeFileSync(file, " s3cret with spaces \n")
    expect(parseConfig({ RABBITMQ_PASSWORD_FILE: file }).RABBITMQ_PASSWORD).toBe(" s3cret with spaces ")
  })

  test("is refused if its variable is set too", () => {
    using folder = temporaryFolder()
    const file = join(folder.path, "password")
    writeFileSync(file, "s3cret")
    const both = faultsOf({ RABBITMQ_PASSWORD_FILE: file, RABBITMQ_PASSWORD: "s3cret" })
    expect(both).toEqual([
      { name: "RABBITMQ_PASSWORD_FILE", message: "is set, and so is RABBITMQ_PASSWORD: unset one of them" },
    ])
  })

  test("is refused with its path and the reason if the file is empty, a folder or missing", () => {
    using folder = temporaryFolder()
    const file = join(folder.path, "password")
    writeFileSync(file, "\n")
    const reasons = { password: "is empty", ".": "is a folder", "none/password": "does not exist" }
    for (const [name, reason] of Object.entries(reasons)) {
      const path = join(folder.path, name)
      const message = `takes the path of a readable file: ${path} ${reason}`
      expect(faultsOf({ RABBITMQ_PASSWORD_FILE: path })).toEqual([
        { name: "RABBITMQ_PASSWORD_FILE", message },
      ])
      expect(sourceOfPassword(path)).toBe(path)
    }
  })
})

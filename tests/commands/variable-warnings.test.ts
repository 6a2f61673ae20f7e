import { describe, expect, test } from "bun:test"
import { nearMiss, warningsOf } from "../../src/commands/variable-warnings.ts"
import { knownVariables } from "../../src/config.ts"

const MISTYPED: readonly (readonly [written: string, meant: string])[] = [
  ["PORTT", "PORT"],
  ["PROT", "PORT"],
  ["port", "PORT"],
  ["QUEUE_TTTL", "QUEUE_TTL"],
  ["QUEUE_TTK", "QUEUE_TTL"],
  ["LOGLEVEL", "LOG_LEVEL"],
  ["HANDLER_DIR", "HANDLERS_DIR"],
  ["API_KEY_FILE", "API_KEYS_FILE"],
  ["RABITMQ_HOST", "RABBITMQ_HOST"],
  ["RABBIT_HOST", "RABBITMQ_HOST"],
  ["RABBITMQ_USERNAME", "RABBITMQ_USER"],
  ["RABBITMQ_PASS", "RABBITMQ_PASSWORD"],
  ["RABBITMQ_PASSWORD_FIEL", "RABBITMQ_PASSWORD_FILE"],
  ["EVENT_BROKER_URI", "EVENT_BROKER_URL"],
]

const OTHER_FORMS: readonly (readonly [written: string, meant: string])[] = [
  ["PORTS", "PORT"],
  ["HOSTS", "HOST"],
  ["ENGINES", "ENGINE"],
  ["WORKER_PREFETCH", "WORKER_PREFETCH_COUNT"],
  ["WORKER_POOL", "WORKER_POOL_SIZE"],
  ["QUEUE_MAX", "QUEUE_MAX_LENGTH"],
  ["API_KEYS", "API_KEYS_FILE"],
  ["SERVICE_DISCOVERY", "SERVICE_DISCOVERY_URL"],
  ["HANDLERS_DIRECTORY", "HANDLERS_DIR"],
  ["DATA_DIRECTORY", "DATA_DIR"],
  ["QUEUE_TTL_MS", "QUEUE_TTL"],
  ["SHUTDOWN_TIMEOUT_SECONDS", "SHUTDOWN_TIMEOUT"],
  ["EVENT_BROKER_LOG_LEVEL", "LOG_LEVEL"],
  ["EVENT_BROKER_HOST", "HOST"],
]

/** Variables that other programs set, by where: a shell, a container, Kubernetes, systemd, CI, npm, libraries, RabbitMQ. */
const FOREIGN = [
  "PATH HOME HOSTNAME HOSTTYPE LANG LC_ALL LOGNAME MAIL OLDPWD PWD SHELL SHLVL TERM TZ USER EDITOR PAGER DISPLAY",
  "DEBUG NODE_ENV NO_COLOR FORCE_COLOR COLORTERM TMPDIR XDG_DATA_HOME XDG_DATA_DIRS XDG_RUNTIME_DIR XDG_CONFIG_HOME",
  "KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_PORT_443_TCP_PORT EVENT_BROKER_PORT EVENT_BROKER_SERVICE_HOST",
  "EVENT_BROKER_PORT_8000_TCP_PROTO RABBITMQ_SERVICE_HOST RABBITMQ_SERVICE_PORT RABBITMQ_PORT_5672_TCP_ADDR POD_NAME",
  "SERVICE_PORT SERVICE_NAME HOST_IP POST KEYS QUEUES WORKERS DB_HOST DB_PORT HTTP_PORT REDIS_HOST PGHOST PGPORT MYSQL_HOST",
  "INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET LISTEN_FDS WATCHDOG_USEC SYSTEMD_EXEC_PID STATE_DIRECTORY LOGS_DIRECTORY",
  "CI GITHUB_ACTIONS GITHUB_WORKSPACE RUNNER_TEMP npm_config_cache npm_package_name INIT_CWD NODE_OPTIONS BUN_INSTALL",
  "OTEL_RESOURCE_ATTRIBUTES OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_PROTOCOL OTEL_SERVICE_VERSION OTEL_LOG_LEVEL",
  "RABBITMQ_HOME RABBITMQ_NODENAME RABBITMQ_NODE_PORT RABBITMQ_DATA_DIR RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS",
  "RABBITMQ_DEFAULT_VHOST RABBITMQ_VERSION RABBITMQ_LOGS RABBITMQ_USE_LONGNAME RABBITMQ_MNESIA_BASE",
  "DATABASE_URL API_URL OPENAI_API_KEY SENTRY_DSN MAX_RETRIES PORT2 DATA_DIR_2 LOG_FILE TIMEOUT QUEUE",
].flatMap((names) => names.split(" "))

describe("a mistyped variable is found", () => {
  test.each(MISTYPED)("%s means %s", (written, meant) => {
    expect(nearMiss(written)).toBe(meant)
    const [warning] = warningsOf({ [written]: "1" })
    expect(warning).toEqual({
      variable: written,
      message: `the variable ${written} has no effect; did you mean ${meant}?`,
    })
  })
})

describe("another form of a variable is found, unless the variable itself is set", () => {
  test.each(OTHER_FORMS)("%s means %s", (written, meant) => {
    expect(nearMiss(written)).toBe(meant)
    expect(warningsOf({ [written]: "1", ENGINE: "embedded" }).map(({ variable }) => variable)).toEqual(
      meant === "ENGINE" ? [] : [written],
    )
    expect(warningsOf({ [written]: "1", [meant]: "1" })).toEqual([])
  })
})

test("the port of the service is told from the one that Kubernetes sets", () => {
  expect(warningsOf({ EVENT_BROKER_PORT: "tcp://10.0.0.11:8000" })).toEqual([])
  expect(warningsOf({ EVENT_BROKER_PORT: "9000" })).toEqual([
    {
      variable: "EVENT_BROKER_PORT",
      message: "the variable EVENT_BROKER_PORT has no effect; did you mean PORT?",
    },
  ])
})

test("variables of other programs, and those that exist, give no false alarm", () => {
  const others = [...FOREIGN, ...knownVariables()]
  expect(others.filter((name) => nearMiss(name) !== null)).toEqual([])
})

test("settings of RabbitMQ without its host are without effect, unless ENGINE says which engine is meant", () => {
  const settings = { RABBITMQ_PORT: "5673", RABBITMQ_USER: "app" }
  const [warning] = warningsOf(settings)
  expect(warning?.message).toContain(
    "RABBITMQ_PORT, RABBITMQ_USER have no effect: set RABBITMQ_HOST or ENGINE=rabbitmq",
  )
  expect(warningsOf({ RABBITMQ_PASSWORD_FILE: "secret" })).toHaveLength(1)
  for (const other of [{ RABBITMQ_HOST: "a" }, { ENGINE: "rabbitmq" }, { ENGINE: "embedded" }]) {
    expect(warningsOf({ ...settings, ...other })).toEqual([])
  }
  expect(warningsOf({ RABBITMQ_PORT: "" })).toEqual([])
  // Kubernetes sets it in every pod beside a service that is named rabbitmq.
  expect(warningsOf({ RABBITMQ_PORT: "tcp://10.0.0.11:5672" })).toEqual([])
})

// A handler may have these for other programs. The warning is worth it: a service that its operator takes for protected, or for
// one on RabbitMQ, is worse than one line that says what is in force. Whoever meant it so sets the variable that it names.
test.each(["API_KEY", "API_TOKEN", "EVENT_BROKER_API_KEY"])(
  "%s is named only while the service has no file of keys",
  (variable) => {
    expect(warningsOf({ [variable]: "secret", ENGINE: "embedded" })).toEqual([
      {
        variable,
        message: expect.stringContaining(`${variable} does not protect this service, which has no API keys`),
      },
    ])
    expect(warningsOf({ [variable]: "secret", API_KEYS_FILE: "keys" })).toEqual([])
    expect(warningsOf({ [variable]: "" })).toEqual([])
    expect(JSON.stringify(warningsOf({ [variable]: "s3cret" }))).not.toContain("s3cret")
  },
)

test.each(["RABBITMQ_URL", "AMQP_URL", "CLOUDAMQP_URL"])(
  "%s is named only while nothing says which engine is meant",
  (variable) => {
    expect(warningsOf({ [variable]: "amqp://a:s3cret@b" })).toEqual([
      {
        variable,
        message: expect.stringContaining(
          `the engine is embedded, and ${variable} is not read: set RABBITMQ_HOST`,
        ),
      },
    ])
    for (const engine of [{ ENGINE: "embedded" }, { RABBITMQ_HOST: "broker" }]) {
      expect(warningsOf({ [variable]: "amqp://a:s3cret@b", ...engine })).toEqual([])
    }
  },
)

import type { LogFormatName } from "../telemetry/log-format.ts"
import type { LogLevelName } from "../telemetry/logger.ts"
import { DAY_MS, KIBIBYTE, MEBIBYTE } from "./units.ts"
import {
  choice,
  flag,
  hostNames,
  hosts,
  listenHost,
  nonEmpty,
  optionalHost,
  optionalHttpUrl,
  optionalRegistryUrl,
  optionalText,
  origins,
  type Values,
  wholeNumber,
  zeroOrWholeNumber,
} from "./values.ts"

/** The longest idle timeout that Bun takes is 255 seconds, and it may act up to 4 seconds early. */
const MAX_KEEP_ALIVE_MS = 250_000

/** Far above every chain of handlers that somebody means, and below `MAX_COUNTED_HOPS`. */
const MAX_HOPS_LIMIT = 1_000

/** Longest time of a timer, in milliseconds: 24 days. One that is set for longer ends at once. */
const MAX_TIMER_MS = 2_147_483_647

/**
 * A variable's values, its default and its meaning in whole sentences, without the values and the default. A secret is
 * never shown, and can be given by a file.
 */
export type Definition = readonly [values: Values, fallback: string, meaning: string, secret?: "secret"]

/** The table of every variable. The help, the docs and `.env.example` say what it says. */
export const VARIABLES = {
  ENGINE: [
    choice<"embedded" | "rabbitmq">(
      { embedded: "SQLite inside the process", rabbitmq: "RabbitMQ" },
      new Map(),
      new Map([
        ["sqlite", "embedded"],
        ["amqp", "rabbitmq"],
      ]),
    ),
    "embedded",
    "Engine that stores and delivers events. If only RABBITMQ_HOST is set, the engine is rabbitmq.",
  ],
  HOST: [listenHost, "0.0.0.0", "Address to listen on. 0.0.0.0 stands for every address of this machine."],
  PORT: [wholeNumber(0, 65_535, "none"), "8000", "TCP port to listen on. 0 picks a free one."],
  LOG_LEVEL: [
    choice<LogLevelName>(
      { DEBUG: "", INFO: "", WARNING: "", ERROR: "" },
      new Map([["warn", "WARNING"]]),
      new Map([
        ["trace", "DEBUG"],
        ["verbose", "DEBUG"],
        ["notice", "INFO"],
        ["critical", "ERROR"],
        ["fatal", "ERROR"],
      ]),
    ),
    "INFO",
    "Minimum level of log entries.",
  ],
  LOG_FORMAT: [
    choice<LogFormatName>({
      auto: "pretty on a terminal, json elsewhere",
      json: "a JSON object per line",
      pretty: "a readable line",
    }),
    "auto",
    "Format of the log.",
  ],
  DATA_DIR: [
    nonEmpty,
    "data",
    "Folder of the embedded engine's store, and of the history. It is created if it is missing.",
  ],
  RABBITMQ_HOST: [
    hosts,
    "rabbitmq",
    "Nodes of RabbitMQ. Setting it selects the engine rabbitmq, unless ENGINE is set. The default applies only with ENGINE=rabbitmq.",
  ],
  RABBITMQ_PORT: [
    wholeNumber(1, 65_535, "none"),
    "5672",
    "Port of the nodes that have none in RABBITMQ_HOST.",
  ],
  RABBITMQ_USER: [nonEmpty, "guest", "User of RabbitMQ."],
  RABBITMQ_PASSWORD: [
    nonEmpty,
    "guest",
    "Password of that user. It is never logged. To read it from a file, set RABBITMQ_PASSWORD_FILE to the file instead.",
    "secret",
  ],
  RABBITMQ_VHOST: [nonEmpty, "/", "Virtual host of RabbitMQ."],
  RABBITMQ_TLS: [
    flag({ true: "over TLS", false: "unencrypted" }),
    "false",
    "Encryption of the connection to RabbitMQ. With TLS, this machine must trust RabbitMQ's certificate.",
  ],
  DEFAULT_EXCHANGE: [nonEmpty, "events", "Exchange on RabbitMQ that events are published to."],
  DEFAULT_EXCHANGE_TYPE: [choice({ topic: "" }), "topic", "Type of that exchange."],
  QUEUE_TYPE: [
    choice({
      quorum: "replicated between nodes",
      classic: "not replicated, orders by priority on every RabbitMQ",
    }),
    "quorum",
    "Type of RabbitMQ's queues.",
  ],
  TOPOLOGY: [
    choice({
      declare: "create what is missing",
      passive: "use what is there and create nothing",
    }),
    "declare",
    "Declaration of exchanges, queues and bindings on RabbitMQ.",
  ],
  CONFIRM_TIMEOUT: [
    wholeNumber(100, 50_000, "milliseconds"),
    "10000",
    "Longest wait of a publish for RabbitMQ's confirm.",
  ],
  RABBITMQ_CONSUMER_TIMEOUT: [
    wholeNumber(1_000, MAX_TIMER_MS, "milliseconds"),
    "1800000",
    "Value of consumer_timeout in RabbitMQ's configuration. The timeout of a handler module must be shorter.",
  ],
  HANDLERS_DIR: [nonEmpty, "handlers", "Folder of the handler modules. If it is set, it must exist."],
  RELOAD: [
    choice({
      manual: "when a request, a command or SIGHUP asks for it",
      watch: "also when their files change",
    }),
    "manual",
    "Reload of the handler modules.",
  ],
  SCHEMAS_DIR: [
    optionalText,
    "",
    "Folder of the JSON Schemas of payloads. If it is not set, no payload is checked.",
  ],
  SCHEMA_VALIDATION: [
    choice({ enforce: "reject it", warn: "store it and log a warning", off: "check nothing" }),
    "enforce",
    "Rule for an event that breaks its schema.",
  ],
  SCHEMA_UNKNOWN: [
    choice({ allow: "store it unchecked", refuse: "reject it" }),
    "allow",
    "Rule for an event without a schema, if SCHEMAS_DIR is set.",
  ],
  HISTORY: [
    choice({ on: "record what becomes of each event", off: "record nothing" }),
    "on",
    "Record of what became of each event, for lookups and replays.",
  ],
  HISTORY_RETENTION: [
    wholeNumber(60_000, 365 * DAY_MS, "milliseconds"),
    "86400000",
    "Time that the history keeps an event.",
  ],
  HISTORY_MAX_BYTES: [
    wholeNumber(16 * MEBIBYTE, 1_024 * 1_024 * MEBIBYTE, "bytes"),
    String(1_024 * MEBIBYTE),
    "Maximum size of the history on the disk. The oldest events are removed for newer ones.",
  ],
  QUEUE_TTL: [
    wholeNumber(1_000, 365 * DAY_MS, "milliseconds"),
    "86400000",
    "Longest time that an event waits in a queue. After that it becomes a dead letter.",
  ],
  QUEUE_MAX_LENGTH: [
    wholeNumber(1, 100_000_000, "events"),
    "10000",
    "Maximum number of events that wait in a queue. QUEUE_OVERFLOW sets what happens when the queue is full.",
  ],
  QUEUE_OVERFLOW: [
    choice({
      "reject-publish": "reject the new event",
      "drop-head": "make the oldest event a dead letter",
    }),
    "reject-publish",
    "Rule for an event that arrives at a full queue.",
  ],
  WORKER_POOL_SIZE: [wholeNumber(1, 256, "workers"), "5", "Number of workers that run handlers."],
  WORKER_PREFETCH_COUNT: [
    wholeNumber(1, 10_000, "deliveries"),
    "10",
    "Maximum number of deliveries of one queue that a worker holds at a time. With 1, it holds one delivery in all.",
  ],
  WORKER_MEMORY: [
    zeroOrWholeNumber(64 * MEBIBYTE, 64 * 1_024 * MEBIBYTE, "bytes"),
    "0",
    "Size of a worker's heap above which the worker finishes its events and is replaced. 0: no limit.",
  ],
  API_KEYS_FILE: [
    optionalText,
    "",
    "File with the API keys; event-broker keys new makes a key. If it is not set, the service is open to everybody who can reach it.",
  ],
  MAX_BODY_BYTES: [
    wholeNumber(KIBIBYTE, 256 * MEBIBYTE, "bytes"),
    String(MEBIBYTE),
    "Maximum size of an event, alone, in a batch or on a line. Parsing an event blocks the service, for up to 50 ms per MiB.",
  ],
  MAX_BATCH_BYTES: [
    wholeNumber(KIBIBYTE, 256 * MEBIBYTE, "bytes"),
    String(16 * MEBIBYTE),
    "Maximum body size of a batch, at least MAX_BODY_BYTES.",
  ],
  MAX_BUFFERED_BYTES: [
    wholeNumber(MEBIBYTE, 64 * 1_024 * MEBIBYTE, "bytes"),
    String(256 * MEBIBYTE),
    "Maximum size of all request bodies in flight together, at least MAX_BATCH_BYTES. One client can use half of it, and less while others use some; more is refused.",
  ],
  BODY_TIMEOUT: [
    wholeNumber(100, 50_000, "milliseconds"),
    "30000",
    "Longest time for the body of a request, or a line of an upload, to arrive.",
  ],
  KEEP_ALIVE_TIMEOUT: [
    wholeNumber(1_000, MAX_KEEP_ALIVE_MS, "milliseconds"),
    "75000",
    "Time after which an idle connection is closed: at least 10 seconds longer than BODY_TIMEOUT and CONFIRM_TIMEOUT, and longer than the idle timeout of a load balancer in front of the service.",
  ],
  RATE_LIMIT: [
    wholeNumber(0, 1_000_000, "requests"),
    "0",
    "Maximum number of requests of each key per second. Each event of a batch counts as one request. 0 sets no limit.",
  ],
  CORS_ORIGINS: [origins, "", "Origins of web pages that can use the service. If it is not set, none can."],
  ALLOWED_HOSTS: [
    hostNames,
    "",
    "Host names that the service answers to. If it is not set: with API keys all names, without keys only names that no public web page can have.",
  ],
  CONSOLE: [
    choice({
      on: "with the actions that the key allows",
      "read-only": "without actions",
      off: "no page",
    }),
    "on",
    "Console at /console, a web page that shows queues and events. It limits the page, not the API: the scopes of keys do.",
  ],
  CONSOLE_LABEL: [
    optionalText,
    "",
    "Name of the environment that the console shows, such as staging. A name with prod in it is shown in red.",
  ],
  MAX_IN_FLIGHT: [
    wholeNumber(1, 1_000_000, "events"),
    "5000",
    "Maximum number of events that wait for their confirm at a time. More are refused.",
  ],
  MAX_HOPS: [
    wholeNumber(0, MAX_HOPS_LIMIT, "hops"),
    "16",
    "Maximum number of publishes by handlers in a row, each caused by the one before. More are refused as a suspected loop. 0: no limit.",
  ],
  DEDUPLICATION_WINDOW: [
    zeroOrWholeNumber(1_000, 7 * DAY_MS, "milliseconds"),
    "600000",
    "Time for which an event that is published again, with the same id or the same Idempotency-Key, is not stored again. 0: each is stored, and requests with an Idempotency-Key are refused.",
  ],
  SERVICE_DISCOVERY_URL: [
    optionalRegistryUrl,
    "",
    "Registry to register this service with. A value without a scheme means http. If it is not set, the service does not register.",
  ],
  SERVICE_HOST: [
    optionalHost,
    "",
    "Host at which others reach this service. If it is not set: HOST, or this machine's name if HOST stands for every address.",
  ],
  OTEL_EXPORTER_OTLP_ENDPOINT: [
    optionalHttpUrl,
    "",
    "OpenTelemetry collector that takes OTLP over HTTP, such as http://collector:4318. If it is not set, no spans are sent.",
  ],
  OTEL_SERVICE_NAME: [nonEmpty, "event-broker", "Name of this service in traces."],
  SHUTDOWN_DELAY: [
    wholeNumber(0, 300_000, "milliseconds"),
    "0",
    "Time for which a stopping service still accepts requests, while /health/ready tells load balancers to send none.",
  ],
  SHUTDOWN_TIMEOUT: [
    wholeNumber(0, 3_600_000, "milliseconds"),
    "10000",
    "Longest wait of a stopping service for requests and handlers to finish.",
  ],
} as const satisfies Record<string, Definition>

/** The service's configuration: every variable under its own name, typed and checked. */
export type Config = {
  readonly [Name in keyof typeof VARIABLES]: (typeof VARIABLES)[Name][0] extends Values<infer Output>
    ? Output
    : never
}

export type VariableName = keyof Config

export const variableNames = (): readonly VariableName[] => Object.keys(VARIABLES) as VariableName[]

/** Returns true if the value of a variable must not be shown. */
export const isSecretVariable = (name: string): boolean =>
  variableNames().some((each) => {
    const [, , , secret]: Definition = VARIABLES[each]
    return each === name && secret === "secret"
  })

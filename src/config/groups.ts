import type { VARIABLES } from "./variables.ts"

/** The variables, grouped for the help. A test checks that each is in exactly one group. */
export const VARIABLE_GROUPS: Readonly<Record<string, readonly (keyof typeof VARIABLES)[]>> = {
  Service: ["ENGINE", "HOST", "PORT", "LOG_LEVEL", "LOG_FORMAT", "SHUTDOWN_DELAY", "SHUTDOWN_TIMEOUT"],
  "Data and history": ["DATA_DIR", "HISTORY", "HISTORY_RETENTION", "HISTORY_MAX_BYTES"],
  RabbitMQ: [
    "RABBITMQ_HOST",
    "RABBITMQ_PORT",
    "RABBITMQ_USER",
    "RABBITMQ_PASSWORD",
    "RABBITMQ_VHOST",
    "RABBITMQ_TLS",
    "DEFAULT_EXCHANGE",
    "DEFAULT_EXCHANGE_TYPE",
    "QUEUE_TYPE",
    "TOPOLOGY",
    "CONFIRM_TIMEOUT",
    "RABBITMQ_CONSUMER_TIMEOUT",
  ],
  "Handlers and schemas": [
    "HANDLERS_DIR",
    "RELOAD",
    "WORKER_POOL_SIZE",
    "WORKER_PREFETCH_COUNT",
    "WORKER_MEMORY",
    "SCHEMAS_DIR",
    "SCHEMA_VALIDATION",
    "SCHEMA_UNKNOWN",
  ],
  Queues: ["QUEUE_TTL", "QUEUE_MAX_LENGTH", "QUEUE_OVERFLOW"],
  Access: ["API_KEYS_FILE", "RATE_LIMIT", "CORS_ORIGINS", "ALLOWED_HOSTS"],
  Console: ["CONSOLE", "CONSOLE_LABEL"],
  "Limits of requests": [
    "MAX_BODY_BYTES",
    "MAX_BATCH_BYTES",
    "MAX_BUFFERED_BYTES",
    "BODY_TIMEOUT",
    "KEEP_ALIVE_TIMEOUT",
    "MAX_IN_FLIGHT",
    "MAX_HOPS",
    "DEDUPLICATION_WINDOW",
  ],
  "Discovery and traces": [
    "SERVICE_DISCOVERY_URL",
    "SERVICE_HOST",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
  ],
}

/** Returns whether only the other engine uses a variable. */
export const isForOtherEngine = (name: keyof typeof VARIABLES, engine: string): boolean =>
  engine === "embedded" && (VARIABLE_GROUPS["RabbitMQ"]?.includes(name) ?? false)

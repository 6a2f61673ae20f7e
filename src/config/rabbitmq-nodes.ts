import type { Config } from "../config.ts"

type Nodes = Pick<Config, "RABBITMQ_HOST" | "RABBITMQ_PORT">

/** The nodes of RabbitMQ, each with its port. */
export const rabbitMqNodes = ({ RABBITMQ_HOST, RABBITMQ_PORT }: Nodes) =>
  RABBITMQ_HOST.map(({ host, port }) => ({ host, port: port ?? RABBITMQ_PORT }))

/** The nodes as people read them: `host:port`, with brackets around an IPv6 address. */
export const nodeNames = (config: Nodes): readonly string[] =>
  rabbitMqNodes(config).map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`)

import { type AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { EngineStatus } from "../../../src/engine/engine.ts"
import { type BrokerAccess, urlOf } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import type { QueueType } from "../../../src/engine/rabbitmq/connection/capabilities.ts"
import type { RabbitMqEngineOptions } from "../../../src/engine/rabbitmq/engine-options.ts"
import type { RabbitMqEngine } from "../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { queueDeclaration } from "../queue-declaration.ts"
import { waitUntil } from "../wait-until.ts"
import { ForeignProgram } from "./foreign-program.ts"
import type { RabbitMqNode } from "./node.ts"
import { newEngine, VirtualHost } from "./virtual-host.ts"

/** A log entry of an engine. */
export interface Logged {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

interface Named {
  readonly name: string
}

/** An engine on a virtual host of its own, and another program's channel to delete objects with. */
export class SharedHost implements AsyncDisposable {
  readonly engine: RabbitMqEngine
  readonly log: readonly Logged[]
  /** The states that the engine reported. */
  readonly states: readonly EngineStatus["state"][]
  readonly other: AMQPChannel
  readonly #node: RabbitMqNode
  readonly #host: VirtualHost
  readonly #client: AMQPClient
  readonly #queueType: QueueType

  private constructor(
    node: RabbitMqNode,
    host: VirtualHost,
    client: AMQPClient,
    other: AMQPChannel,
    queueType: QueueType,
    overrides: Partial<RabbitMqEngineOptions>,
  ) {
    const log: Logged[] = []
    const states: EngineStatus["state"][] = []
    this.#node = node
    this.#host = host
    this.#client = client
    this.#queueType = queueType
    this.other = other
    this.log = log
    this.states = states
    this.engine = newEngine(host.access, queueType, {
      report: (level, message, fields) => log.push({ level, message, fields }),
      onStatusChange: ({ state }) => states.push(state),
      ...overrides,
    })
  }

  static async open(
    node: RabbitMqNode,
    queueType: QueueType,
    overrides: Partial<RabbitMqEngineOptions> = {},
  ): Promise<SharedHost> {
    const host = await VirtualHost.create(node)
    const [address] = host.access.addresses
    if (address === undefined) throw new Error("the node has no address")
    const client = new AMQPClient(urlOf(host.access, address, "another program"))
    await client.connect()
    return new SharedHost(node, host, client, await client.channel(), queueType, overrides)
  }

  /** How an engine reaches it. */
  get access(): BrokerAccess {
    return this.#host.access
  }

  /** Declares queues for events whose routing key is the queue's name. */
  async declare(...names: readonly string[]): Promise<void> {
    await this.engine.declareQueues(names.map((name) => queueDeclaration(name)))
    await waitUntil(() => this.engine.status().state === "ready", "the engine to be ready")
  }

  /** Returns another engine on the same virtual host. */
  newEngine(overrides: Partial<RabbitMqEngineOptions>): RabbitMqEngine {
    return newEngine(this.#host.access, this.#queueType, overrides)
  }

  /** Returns another program that writes its frames itself. */
  foreignProgram(): Promise<ForeignProgram> {
    const { port } = this.#node
    return ForeignProgram.connect({ port, vhost: this.#host.name, user: "guest", password: "guest" })
  }

  /** Sets the permissions of the engine's user. Default: everything is allowed. */
  async permit(permissions: { readonly configure?: string; readonly write?: string }): Promise<void> {
    const all = { configure: ".*", write: ".*", read: ".*" }
    await this.#node.manage("PUT", `permissions/${this.#host.name}/guest`, { ...all, ...permissions })
  }

  /** Makes queues whose name matches the pattern expire when they are unused. */
  async expire(pattern: string, ms: number): Promise<void> {
    const policy = { pattern, definition: { expires: ms }, "apply-to": "queues" }
    await this.#node.manage("PUT", `policies/${this.#host.name}/expiring`, policy)
  }

  /** Limits a queue by a policy to this many messages. */
  async limit(queue: string, maxLength: number): Promise<void> {
    const definition = { "max-length": maxLength, overflow: "reject-publish" }
    const policy = { pattern: `^${queue}$`, definition, "apply-to": "queues" }
    await this.#node.manage("PUT", `policies/${this.#host.name}/limiting`, policy)
  }

  /** Creates a queue with other arguments than the engine's. */
  async declareOtherwise(queue: string): Promise<void> {
    const args = { "x-queue-type": this.#queueType, "x-max-length": 7 }
    await this.other.queueDeclare(queue, { durable: true, autoDelete: false }, args)
  }

  /** Returns whether the queue exists, in a way that does not count as use. */
  async has(queue: string): Promise<boolean> {
    const queues = (await this.#node.manage("GET", `queues/${this.#host.name}?columns=name`)) as Named[]
    return queues.some(({ name }) => name === queue)
  }

  /** Keeps the leader of a quorum queue from answering for `ms` milliseconds. */
  async busy(queue: string, ms: number): Promise<void> {
    const leader = `'${this.#host.name}_${queue}'`
    const expression = `sys:suspend(${leader}), spawn(fun() -> timer:sleep(${ms}), sys:resume(${leader}) end).`
    await this.#node.control("eval", expression)
  }

  /** Keeps a stream from confirming. Returns a function that ends it. */
  async suspend(stream: string): Promise<() => Promise<void>> {
    const find = `{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"${this.#host.name}">>, queue, <<"${stream}">>)),
      Leader = maps:get(leader_pid, amqqueue:get_type_state(Q)),`
    await this.#node.control("eval", `${find} sys:suspend(Leader).`)
    return async () => {
      await this.#node.control("eval", `${find} sys:resume(Leader).`)
    }
  }

  async depthOf(queue: string): Promise<number> {
    return (await this.other.queueDeclare(queue, { passive: true })).messageCount
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close()
    await this.#client.close()
    await this.#host[Symbol.asyncDispose]()
  }
}

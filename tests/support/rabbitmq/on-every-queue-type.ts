import { describe } from "bun:test"
import type { QueueType } from "../../../src/engine/rabbitmq/connection/capabilities.ts"
import type { RabbitMqEngineOptions } from "../../../src/engine/rabbitmq/engine-options.ts"
import { onEveryBroker } from "./on-every-broker.ts"
import { SharedHost } from "./shared-host.ts"

/** Opens a host whose queues have the type of these tests. */
export type OpenHost = (overrides?: Partial<RabbitMqEngineOptions>) => Promise<SharedHost>

/** Describes tests for quorum and for classic queues, on each installed RabbitMQ. */
export const onEveryQueueType = (tests: (open: OpenHost, queueType: QueueType) => void): void =>
  onEveryBroker((node) => {
    for (const queueType of ["quorum", "classic"] as const) {
      describe(`with ${queueType} queues`, () =>
        tests((overrides) => SharedHost.open(node(), queueType, overrides), queueType))
    }
  })

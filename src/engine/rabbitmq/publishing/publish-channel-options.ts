import type { Report } from "../../report.ts"
import type { Troubles } from "../topology/troubles.ts"
import type { Outgoing } from "./pending-publish.ts"

export interface PublishChannelOptions {
  readonly confirmTimeoutMs: number
  /** Declares a missing exchange again. Default: publishes to a missing exchange are refused. */
  readonly restore?: () => Promise<void>
  /** Called if the channel can't be reopened on its connection. */
  readonly onLost: () => void
  /** Called when `status` changes. */
  readonly onStatusChange?: () => void
  /** Returns whether a queue that can't be used explains why a publish is not confirmed. Default: never. */
  readonly isExplained?: (outgoing: Outgoing) => boolean
  /** Called with the oldest publish, again and again, while RabbitMQ takes long to confirm it. */
  readonly onSlow?: (outgoing: Outgoing) => void
  /** Records refused destinations. Default: the callers of `publish` report them. */
  readonly troubles?: Troubles
  readonly report: Report
}

import { counted } from "../../format/numbers.ts"

/** Queues that are named with their faults; the others are counted. */
const MAX_NAMED = 8

export interface QueueFaultsProps {
  readonly title: string
  readonly faults: readonly { readonly queue: string; readonly fault: string }[]
}

/** Queues that failed, each with the reason; nothing if none did. */
export function QueueFaults({ title, faults }: QueueFaultsProps) {
  if (faults.length === 0) return null
  return (
    <div class="fault" role="alert">
      <p>{title}</p>
      <ul>
        {faults.slice(0, MAX_NAMED).map(({ queue, fault }) => (
          <li key={queue}>
            <span class="mono">{queue}</span>: {fault}
          </li>
        ))}
        {faults.length > MAX_NAMED && <li>{counted(faults.length - MAX_NAMED, "more queue")}</li>}
      </ul>
    </div>
  )
}

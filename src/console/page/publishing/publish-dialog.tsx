import { useState } from "preact/hooks"
import { EVENT_TYPES } from "../api/answers.ts"
import { publish } from "../api/calls.ts"
import { parseExactly } from "../api/exact-numbers.ts"
import { sayError } from "../api/problem.ts"
import { Button } from "../parts/button.tsx"
import { Dialog } from "../parts/dialog.tsx"
import { goTo } from "../routing.ts"
import { refreshSoon } from "../state/overview.ts"
import { Store, useStore } from "../state/store.ts"
import { say } from "../state/toasts.ts"

/** An event to begin with. Its id is not taken over: the copy is another event. */
export interface Draft {
  readonly type: string
  readonly name: string
  readonly routing_key?: string
  readonly priority?: string
  readonly ordering_key?: string
  readonly payload?: unknown
  readonly metadata?: unknown
}

interface Asked {
  readonly draft: Draft | null
  /** Done once the event is stored; its failure is shown in the dialog. */
  readonly afterwards: (() => Promise<void>) | null
  readonly note: string | null
}

const asked = new Store<Asked | null>(null)

/** Opens the dialog that publishes an event. @param draft null begins with an empty one */
export function openPublish(
  draft: Draft | null,
  { afterwards = null, note = null }: Partial<Omit<Asked, "draft">> = {},
): void {
  asked.set({ draft, afterwards, note })
}

const PRIORITIES = ["low", "medium", "high", "critical"]

export function PublishDialog() {
  const open = useStore(asked)
  return open === null ? null : <PublishForm {...open} />
}

function PublishForm({ draft, afterwards, note }: Asked) {
  const [type, setType] = useState(draft?.type ?? "custom")
  const [name, setName] = useState(draft?.name ?? "")
  const [routingKey, setRoutingKey] = useState(keyOf(draft))
  const [priority, setPriority] = useState(draft?.priority ?? "medium")
  const [orderingKey, setOrderingKey] = useState(draft?.ordering_key ?? "")
  const [payload, setPayload] = useState(JSON.stringify(draft?.payload ?? {}, null, 2))
  const [fault, setFault] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const close = (): void => asked.set(null)
  const send = async (): Promise<void> => {
    setBusy(true)
    setFault(null)
    try {
      const { id } = await publish({
        type,
        name,
        ...(routingKey !== "" && { routing_key: routingKey }),
        priority,
        ...(orderingKey !== "" && { ordering_key: orderingKey }),
        ...(draft?.metadata !== undefined && { metadata: draft.metadata }),
        payload: parse(payload),
      })
      await afterwards?.()
      close()
      say(`Event ${id} is stored.`)
      refreshSoon()
      goTo(["events", id])
    } catch (error) {
      setFault(sayError(error))
      setBusy(false)
    }
  }
  return (
    <Dialog title="Publish an event" onClose={close} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        {note !== null && <p class="prose">{note}</p>}
        <div class="fields">
          <label class="field">
            <span>Type</span>
            <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
              {EVENT_TYPES.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <Text label="Name" value={name} onText={setName} isRequired />
          <Text
            label="Routing key"
            value={routingKey}
            onText={setRoutingKey}
            placeholder={`events.${type}.${name || "<name>"}`}
          />
          <label class="field">
            <span>Priority</span>
            <select value={priority} onChange={(event) => setPriority(event.currentTarget.value)}>
              {PRIORITIES.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <Text label="Ordering key" value={orderingKey} onText={setOrderingKey} placeholder="none" />
        </div>
        <label class="field">
          <span>Payload, a JSON object</span>
          <textarea
            class="mono"
            rows={10}
            spellcheck={false}
            value={payload}
            onInput={(event) => setPayload(event.currentTarget.value)}
          />
        </label>
        {fault !== null && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="actions end">
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" kind="primary" isDisabled={isBusy || name === ""}>
            {isBusy ? "Publishing …" : "Publish"}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

interface TextProps {
  readonly label: string
  readonly value: string
  readonly onText: (text: string) => void
  readonly placeholder?: string
  readonly isRequired?: boolean
}

const Text = ({ label, value, onText, placeholder, isRequired }: TextProps) => (
  <label class="field">
    <span>{label}</span>
    <input
      value={value}
      placeholder={placeholder}
      required={isRequired}
      autoComplete="off"
      spellcheck={false}
      onInput={(event) => onText(event.currentTarget.value)}
    />
  </label>
)

/** Returns the routing key of a draft; empty if it is the default. */
function keyOf(draft: Draft | null): string {
  if (draft?.routing_key === undefined) return ""
  return draft.routing_key === `events.${draft.type}.${draft.name}` ? "" : draft.routing_key
}

function parse(text: string): unknown {
  try {
    return parseExactly(text)
  } catch (error) {
    throw new Error(`The payload is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

import { useMemo, useState } from "preact/hooks"
import { EVENT_TYPES } from "../api/answers.ts"
import { publish } from "../api/calls.ts"
import { Dialog } from "../parts/dialog.tsx"
import { DialogForm } from "../parts/dialog-form.tsx"
import { checkJson, JsonField } from "../parts/json-field.tsx"
import { useLeaving } from "../parts/leaving.tsx"
import { currentPlace, goTo, isAt } from "../routing.ts"
import { refreshSoon } from "../state/overview.ts"
import { mayPublish } from "../state/session.ts"
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
  readonly id: number
  readonly draft: Draft | null
}

let lastId = 0

const asked = new Store<Asked | null>(null)

/** Opens the dialog that publishes an event. @param draft null begins with an empty one */
export function openPublish(draft: Draft | null): void {
  lastId++
  asked.set({ id: lastId, draft })
}

const PRIORITIES = ["low", "medium", "high", "critical"]

export function PublishDialog() {
  const open = useStore(asked)
  return open === null ? null : <PublishForm key={open.id} {...open} />
}

function PublishForm({ id: ownId, draft }: Asked) {
  const [before] = useState(() => JSON.stringify(draft?.payload ?? {}, null, 2))
  const types = EVENT_TYPES.filter(mayPublish)
  const begin = draft?.type ?? (mayPublish("custom") ? "custom" : types[0])
  const [type, setType] = useState(begin ?? "custom")
  const [name, setName] = useState(draft?.name ?? "")
  const [routingKey, setRoutingKey] = useState(keyOf(draft))
  const [priority, setPriority] = useState(draft?.priority ?? "medium")
  const [orderingKey, setOrderingKey] = useState(draft?.ordering_key ?? "")
  const [payload, setPayload] = useState(before)
  const close = (): void => asked.set(null)
  const isTyped =
    payload !== before ||
    name !== (draft?.name ?? "") ||
    routingKey !== keyOf(draft) ||
    orderingKey !== (draft?.ordering_key ?? "")
  const { leave, send, question } = useLeaving(isTyped, close)
  // A repetition after a lost answer is stored once: it has the same id.
  const content = JSON.stringify([type, name, routingKey, priority, orderingKey, payload])
  const id = useMemo(newId, [content])
  const store = async (): Promise<void> => {
    const rest = {
      id,
      type,
      name,
      ...(routingKey !== "" && { routing_key: routingKey }),
      priority,
      ...(orderingKey !== "" && { ordering_key: orderingKey }),
      ...(draft?.metadata !== undefined && { metadata: draft.metadata }),
    }
    const { path } = currentPlace()
    await publish(rest, checkJson(payload, "payload"))
    const isAwaited = asked.value?.id === ownId
    if (isAwaited) close()
    say(`Event ${id} is stored.`)
    refreshSoon()
    // Whoever has closed the dialog, or gone elsewhere meanwhile, is not led away.
    if (isAwaited && isAt(path)) goTo(["events", id])
  }
  return (
    <Dialog title="Publish an event" onClose={leave} isWide>
      <DialogForm
        action="Publish"
        busyAction="Publishing …"
        isReady={name !== ""}
        onSubmit={() => send(store)}
        onClose={leave}
      >
        <div class="fields">
          <label class="field">
            <span>Type</span>
            <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
              {types.map((each) => (
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
        <JsonField label="Payload, a JSON object" value={payload} onText={setPayload} />
      </DialogForm>
      {question}
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

/** Makes an id. Over plain HTTP, browsers have no `randomUUID`. */
const newId = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

/** Returns the routing key of a draft; empty if it is the default. */
function keyOf(draft: Draft | null): string {
  if (draft?.routing_key === undefined) return ""
  return draft.routing_key === `events.${draft.type}.${draft.name}` ? "" : draft.routing_key
}

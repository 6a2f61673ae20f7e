import { useId } from "preact/hooks"
import type { FormField } from "./form-fields.ts"

interface SchemaFieldProps {
  readonly field: FormField
  readonly value: string
  readonly onValue: (value: string) => void
}

export function SchemaField({ field, value, onValue }: SchemaFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>
        <code>{field.name}</code> {field.isRequired && <span class="muted">required</span>}
      </label>
      <Input id={id} field={field} value={value} onValue={onValue} />
      {field.description !== "" && <span class="muted small">{field.description}</span>}
    </div>
  )
}

function Input({ id, field: { kind, choices }, value, onValue }: SchemaFieldProps & { readonly id: string }) {
  if (kind === "choice" || kind === "json-choice" || kind === "flag") {
    return (
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="">–</option>
        {(kind === "flag" ? ["true", "false"] : choices).map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    )
  }
  if (kind === "json") {
    return (
      <textarea
        id={id}
        class="mono"
        rows={3}
        placeholder="JSON"
        spellcheck={false}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    )
  }
  return (
    <input
      id={id}
      value={value}
      inputMode={kind === "number" || kind === "integer" ? "decimal" : "text"}
      placeholder={kind === "any" ? "a text, or JSON" : undefined}
      spellcheck={false}
      autoComplete="off"
      onInput={(event) => onValue(event.currentTarget.value)}
    />
  )
}

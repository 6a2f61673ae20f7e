import { useState } from "preact/hooks"
import type { EventSchemas, Verdict } from "../../api/answers.ts"
import { listSchemas, showSchema, validatePayload } from "../../api/calls.ts"
import { parseExactly } from "../../api/exact-numbers.ts"
import { sayError } from "../../api/problem.ts"
import { Button } from "../../parts/button.tsx"
import { Json } from "../../parts/json.tsx"
import { Failed, Loading, Missing } from "../../parts/states.tsx"
import { openPublish } from "../../publishing/publish-dialog.tsx"
import { hrefOf } from "../../routing.ts"
import { isReadOnly, mayPublish } from "../../state/session.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { fieldsOf, payloadText, typedIn } from "./form-fields.ts"
import { SchemaField } from "./schema-field.tsx"

export function SchemaScreen({ type, name }: { type: string; name: string }) {
  const { answer, fault, again } = useAnswer(listSchemas, "schemas")
  const entry = answer?.find((each) => each.type === type && each.name === name)
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["schemas"])}>Schemas</a>
      </p>
      {fault !== null ? (
        <Failed fault={fault} onRetry={again} />
      ) : answer === null ? (
        <Loading what="the schema" />
      ) : entry === undefined ? (
        <Missing title={`The event ${type}.${name} has no schema.`} />
      ) : (
        <Versions entry={entry} />
      )}
    </>
  )
}

function Versions({ entry: { type, name, versions } }: { entry: EventSchemas }) {
  const [version, setVersion] = useState(versions[0] ?? 1)
  const { answer, fault, again } = useAnswer(
    (signal) => showSchema(type, name, version, signal),
    `${type} ${name} ${version}`,
  )
  return (
    <>
      <div class="heading">
        <h1 class="mono">
          {type}.{name}
        </h1>
        <label class="choice">
          <span class="visually-hidden">Version</span>
          <select value={String(version)} onChange={(event) => setVersion(Number(event.currentTarget.value))}>
            {versions.map((each) => (
              <option key={each} value={String(each)}>{`Version ${each}`}</option>
            ))}
          </select>
        </label>
      </div>
      {fault !== null ? (
        <Failed fault={fault} onRetry={again} />
      ) : answer === null ? (
        <Loading what="the schema" />
      ) : (
        <div class="columns">
          <PayloadForm key={version} type={type} name={name} version={version} schema={answer} />
          <section class="panel" aria-labelledby="schema">
            <h2 id="schema">JSON Schema</h2>
            <Json value={answer} label="The schema as JSON" />
          </section>
        </div>
      )}
    </>
  )
}

interface PayloadFormProps {
  readonly type: string
  readonly name: string
  readonly version: number
  readonly schema: unknown
}

/** The form that the schema describes: checks a payload, and publishes it. */
function PayloadForm({ type, name, version, schema }: PayloadFormProps) {
  const fields = fieldsOf(schema)
  const [values, setValues] = useState<Readonly<Record<string, string>>>({})
  const [verdict, setVerdict] = useState<Verdict | string | null>(null)
  const payload = (): unknown => parseExactly(payloadText(fields, values))
  const validate = async (): Promise<void> => {
    try {
      setVerdict(await validatePayload(type, name, version, payload()))
    } catch (error) {
      setVerdict(sayError(error))
    }
  }
  const publish = (): void => {
    try {
      openPublish({ type, name, payload: payload(), metadata: { schema_version: version } })
    } catch (error) {
      setVerdict(sayError(error))
    }
  }
  return (
    <section class="panel" aria-labelledby="form">
      <h2 id="form">Payload</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void validate()
        }}
      >
        {fields.map((field) => (
          <SchemaField
            key={field.name}
            field={field}
            value={typedIn(values, field.name)}
            onValue={(value) => {
              setValues({ ...values, [field.name]: value })
              setVerdict(null)
            }}
          />
        ))}
        {verdict !== null && <Result verdict={verdict} />}
        {mayPublish(type) ? (
          <div class="actions">
            <Button type="submit">Validate</Button>
            <Button kind="primary" onClick={publish}>
              Publish …
            </Button>
          </div>
        ) : (
          <p class="note">
            {isReadOnly() ? "This console is read-only" : "This key may not publish such events"}, so it
            validates and publishes nothing here.
          </p>
        )}
      </form>
    </section>
  )
}

function Result({ verdict }: { verdict: Verdict | string }) {
  if (typeof verdict === "string") {
    return (
      <p class="fault" role="alert">
        {verdict}
      </p>
    )
  }
  if (verdict.is_valid)
    return <p class="good" role="status">{`Valid by version ${verdict.schema_version}.`}</p>
  return (
    <ul class="fault" role="alert">
      {verdict.errors.map(({ pointer, message }) => (
        <li key={`${pointer} ${message}`}>
          <code>{pointer}</code> {message}
        </li>
      ))}
    </ul>
  )
}

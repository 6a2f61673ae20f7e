import { listSchemas } from "../../api/calls.ts"
import { counted } from "../../format/numbers.ts"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { useAnswer } from "../../state/use-answer.ts"

export function SchemasScreen() {
  const { answer, fault, again } = useAnswer(listSchemas, "schemas")
  return (
    <>
      <div class="heading">
        <h1>Schemas</h1>
        {answer !== null && <span class="muted">{counted(answer.length, "event")}</span>}
      </div>
      {fault !== null ? (
        <Failed fault={fault} onRetry={again} />
      ) : answer === null ? (
        <Loading what="the schemas" />
      ) : answer.length === 0 ? (
        <Empty title="No event has a schema.">
          Set SCHEMAS_DIR to a folder of JSON Schemas. Until then every payload is accepted.
        </Empty>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Event</th>
              <th scope="col">Versions, the default first</th>
            </tr>
          </thead>
          <tbody>
            {answer.map(({ type, name, versions }) => (
              <tr key={`${type}.${name}`}>
                <td>
                  <a class="mono" data-row href={hrefOf(["schemas", type, name])}>
                    {type}.{name}
                  </a>
                </td>
                <td class="numeric">{versions.join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}

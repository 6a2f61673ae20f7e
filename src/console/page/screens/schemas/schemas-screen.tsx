import type { EventSchemas } from "../../api/answers.ts"
import { listSchemas } from "../../api/calls.ts"
import { counted } from "../../format/numbers.ts"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { type Column, Table } from "../../parts/table.tsx"
import { hrefOf } from "../../routing.ts"
import { useAnswer } from "../../state/use-answer.ts"

const COLUMNS: readonly Column<EventSchemas>[] = [
  {
    name: "Event",
    kind: "title",
    cell: ({ type, name }) => (
      <a class="mono" data-row href={hrefOf(["schemas", type, name])}>
        {type}.{name}
      </a>
    ),
  },
  {
    name: "Versions, the default first",
    cell: ({ versions }) => <span class="numeric">{versions.join(", ")}</span>,
  },
]

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
        <Table items={answer} keyOf={({ type, name }) => `${type}.${name}`} columns={COLUMNS} />
      )}
    </>
  )
}

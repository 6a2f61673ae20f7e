import type { ComponentChildren } from "preact"

/** A column of a table of things. */
export interface Column<Item> {
  readonly name: string
  readonly cell: (item: Item) => ComponentChildren
  /** `title` names the item, `actions` has no visible heading, and the others look as their names say. Default: text. */
  readonly kind?: "title" | "number" | "trend" | "payload" | "actions"
  /** Colours a number that is not good; undefined for one that is. */
  readonly tone?: (item: Item) => "bad" | "warning" | undefined
}

export interface TableProps<Item> {
  readonly items: readonly Item[]
  readonly keyOf: (item: Item) => string
  readonly columns: readonly Column<Item>[]
  /** Name for screen readers, if no heading is above it. */
  readonly label?: string
  /** Further class of the table. */
  readonly look?: string
}

/** Things, one a row; on a phone, one a card. */
export const Table = <Item,>({ items, keyOf, columns, label, look = "" }: TableProps<Item>) => (
  <table class={`table cards ${look}`.trimEnd()} aria-label={label}>
    <thead>
      <tr>
        {columns.map(({ name, kind }) => (
          <th key={name} scope="col" class={kind === "number" ? "number" : undefined}>
            {kind === "actions" ? <span class="visually-hidden">{name}</span> : name}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {items.map((item) => (
        <tr key={keyOf(item)}>
          {columns.map((column) => (
            <Cell key={column.name} item={item} column={column} />
          ))}
        </tr>
      ))}
    </tbody>
  </table>
)

function Cell<Item>({ item, column: { name, cell, kind, tone } }: { item: Item; column: Column<Item> }) {
  const words = [kind === "actions" ? "row-actions" : kind, tone?.(item)].filter((word) => word !== undefined)
  const isLabelled = kind !== "title" && kind !== "actions" && kind !== "payload"
  return (
    <td class={words.length === 0 ? undefined : words.join(" ")} data-label={isLabelled ? name : undefined}>
      {cell(item)}
    </td>
  )
}

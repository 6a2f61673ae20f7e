import { counted, whole } from "../format/numbers.ts"
import { Button } from "./button.tsx"

/** Rows of a page. */
export const PAGE_SIZE = 50

export interface PagesProps {
  /** 0 for the first page. */
  readonly page: number
  readonly count: number
  readonly noun: string
  readonly onPage: (page: number) => void
}

/** Leads from page to page of a list; nothing if all of it is on one. */
export function Pages({ page, count, noun, onPage }: PagesProps) {
  const last = Math.max(0, Math.ceil(count / PAGE_SIZE) - 1)
  if (last === 0) return null
  const from = page * PAGE_SIZE
  return (
    <nav class="pages" aria-label="Pages">
      <span class="muted numeric">
        {whole(from + 1)}–{whole(Math.min(count, from + PAGE_SIZE))} of {counted(count, noun)}
      </span>
      <Button isDisabled={page === 0} onClick={() => onPage(page - 1)}>
        Previous
      </Button>
      <Button isDisabled={page >= last} onClick={() => onPage(page + 1)}>
        Next
      </Button>
    </nav>
  )
}

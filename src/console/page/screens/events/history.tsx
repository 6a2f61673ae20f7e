import { useEffect, useState } from "preact/hooks"
import type { EventSummary } from "../../api/answers.ts"
import { listEvents } from "../../api/calls.ts"
import { isAborted, sayError } from "../../api/problem.ts"
import { counted } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { goTo, hrefOf, replaceQuery } from "../../routing.ts"
import { now } from "../../state/clock.ts"
import { limitOf } from "../../state/session.ts"
import { EventTable } from "./event-table.tsx"
import { idIn, parseSearch, type Search } from "./search.ts"

const PAGE = 50

/** A page of the history looks at a bounded number of events, and may be empty although more follow. */
const MAX_EMPTY_PAGES = 20

const EXAMPLES = ["state:dead", "status:failed since:1h", "type:voice name:call.ended"]

export function History({ search }: { search: string }) {
  return (
    <>
      <SearchForm key={search} search={search} />
      <ById search={search} />
      {!/^id:/i.test(search) && <Results key={`results ${search}`} search={search} />}
    </>
  )
}

function SearchForm({ search }: { search: string }) {
  const [text, setText] = useState(search)
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault()
          const q = text.trim()
          const id = /^id:/i.test(q) ? idIn(q) : null
          if (id === null) replaceQuery({ q, view: "history" })
          else goTo(["events", id])
        }}
      >
        <input
          type="search"
          aria-label="Search the history"
          aria-describedby="search-help"
          placeholder="id: type: name: queue: state: key: trace: since: or a text of the payload"
          data-search
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit">Search</Button>
        <p class="muted" id="search-help">
          For example{" "}
          {EXAMPLES.map((example) => (
            <button
              key={example}
              type="button"
              class="example mono"
              onClick={() => replaceQuery({ q: example, view: "history" })}
            >
              {example}
            </button>
          ))}
        </p>
      </form>
    </search>
  )
}

/** Leads to the event whose id is searched. A search finds words in payloads, not ids. */
function ById({ search }: { search: string }) {
  const id = idIn(search)
  if (id === null) return null
  return (
    <p class="muted">
      Is this the id of an event?{" "}
      <a class="mono" href={hrefOf(["events", id])}>
        {id}
      </a>
    </p>
  )
}

interface Found {
  readonly events: readonly EventSummary[]
  readonly cursor: string | null
  readonly isAsking: boolean
  readonly fault: string | null
}

function Results({ search }: { search: string }) {
  const [round, setRound] = useState(0)
  const [parsed, setParsed] = useState<Search>(() => parseSearch(search, now()))
  const [found, setFound] = useState<Found>({ events: [], cursor: null, isAsking: true, fault: null })
  const load = async (before: Found, { query }: Search, signal?: AbortSignal): Promise<void> => {
    setFound({ ...before, isAsking: true, fault: null })
    try {
      const next = await nextPage(query, before.cursor, signal)
      setFound({ ...next, events: [...before.events, ...next.events], isAsking: false, fault: null })
    } catch (error) {
      if (isAborted(error)) return
      setFound({ ...before, isAsking: false, fault: sayError(error) })
    }
  }
  useEffect(() => {
    const ending = new AbortController()
    const again = parseSearch(search, now())
    setParsed(again)
    if (again.fault === null) {
      void load({ events: [], cursor: null, isAsking: true, fault: null }, again, ending.signal)
    }
    return () => ending.abort()
  }, [search, round])

  if (parsed.fault !== null) return <Failed fault={parsed.fault} />
  if (found.fault !== null) return <Failed fault={found.fault} onRetry={() => setRound(round + 1)} />
  if (found.isAsking && found.events.length === 0) return <Loading what="events" />
  if (found.events.length === 0) {
    return (
      <Empty title={search === "" ? "The history has no event yet." : "No event matches."}>
        {search === ""
          ? "It keeps events for the time that HISTORY_RETENTION sets, a day by default."
          : "It may be older than HISTORY_RETENTION keeps events, a day by default. A word without a name is searched in payloads, with capital letters as you typed them."}
        {limitOf() !== null && ` This key sees only events of ${limitOf()}.`}
      </Empty>
    )
  }
  return (
    <>
      <EventTable events={found.events} />
      <div class="pages">
        <span class="muted numeric">
          {counted(found.events.length, "event")}
          {found.cursor !== null && " so far"}
        </span>
        <Button onClick={() => setRound(round + 1)}>Refresh</Button>
        {found.cursor !== null && (
          <Button isDisabled={found.isAsking} onClick={() => void load(found, parsed)}>
            {found.isAsking ? "Loading …" : "More"}
          </Button>
        )}
      </div>
    </>
  )
}

/** Returns the next page that has an event, or the end of the list. */
async function nextPage(query: Search["query"], from: string | null, signal?: AbortSignal) {
  let cursor = from
  for (let empty = 0; ; empty++) {
    const page = await listEvents({ ...query, limit: PAGE, cursor: cursor ?? undefined }, signal)
    if (page.events.length > 0 || page.cursor === null || empty === MAX_EMPTY_PAGES) return page
    cursor = page.cursor
  }
}

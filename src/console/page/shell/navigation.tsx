import { useEffect, useRef } from "preact/hooks"
import type { Me } from "../api/answers.ts"
import { whole } from "../format/numbers.ts"
import { Button } from "../parts/button.tsx"
import { hrefOf } from "../routing.ts"
import { overview } from "../state/overview.ts"
import { signOut } from "../state/session.ts"
import { useStore } from "../state/store.ts"
import { showKeys } from "./keys.tsx"
import { SECTIONS, type SectionId } from "./sections.ts"

export function Navigation({ me, section }: { me: Me; section: SectionId | null }) {
  const list = useRef<HTMLUListElement>(null)
  // On a phone the list is wider than the window.
  useEffect(() => {
    const current = section === null ? null : list.current?.querySelector("[aria-current]")
    current?.scrollIntoView({ block: "nearest", inline: "center" })
  }, [section])
  const dead = useStore(overview).snapshot?.queues.reduce((sum, queue) => sum + queue.dead_letters, 0) ?? 0
  return (
    <header class="navigation">
      <div class="brand">
        <a href={hrefOf([])}>Event Broker</a>
        {me.console.label !== "" && <EnvironmentLabel label={me.console.label} />}
        {me.console.mode === "read-only" && <span class="environment">read-only</span>}
      </div>
      <nav aria-label="Screens">
        <ul ref={list}>
          {SECTIONS.map(({ id, name }) => (
            <li key={id}>
              <a href={hrefOf(id === "" ? [] : [id])} aria-current={id === section ? "page" : undefined}>
                {name}
                {id === "dead-letters" && dead > 0 && <span class="count numeric">{whole(dead)}</span>}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="whoami">
        <p>
          {me.version} · {me.engine}
        </p>
        <p>{me.name === null ? "no keys: open to everybody" : `${me.name}: ${me.scopes.join(", ")}`}</p>
        {me.types !== null && <p>only events of {me.types.join(", ")}</p>}
        <div class="actions">
          <Button kind="quiet" onClick={showKeys}>
            Shortcuts <kbd>?</kbd>
          </Button>
          {me.name !== null && (
            <Button kind="quiet" onClick={signOut}>
              Sign out
            </Button>
          )}
        </div>
      </div>
    </header>
  )
}

/** Production is red, so that nobody takes it for another environment. */
const EnvironmentLabel = ({ label }: { label: string }) => (
  <span class={/prod/i.test(label) ? "environment production" : "environment"}>{label}</span>
)

import { useEffect, useRef, useState } from "preact/hooks"
import type { Me } from "../api/answers.ts"
import { storedKey } from "../api/client.ts"
import { Button } from "../parts/button.tsx"
import { signIn, signOut } from "../state/session.ts"

export function SignIn({ fault }: { fault: string | null }) {
  const [key, setKey] = useState("")
  const [isBusy, setBusy] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  return (
    <main class="door">
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault()
          setBusy(true)
          void signIn(key.trim()).finally(() => setBusy(false))
        }}
      >
        <h1>Event Broker</h1>
        <label class="field">
          <span>API key</span>
          <input
            ref={field}
            type="password"
            name="key"
            autoComplete="current-password"
            value={key}
            aria-describedby="key-note"
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <p class="muted" id="key-note">
          This tab keeps the key until you close it, and sends it with each request.{" "}
          <code>event-broker keys new</code> makes one.
        </p>
        {fault !== null && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="actions">
          <Button type="submit" kind="primary" isDisabled={key.trim() === "" || isBusy}>
            {isBusy ? "Checking …" : "Open the console"}
          </Button>
        </div>
      </form>
    </main>
  )
}

/** @param reason why the service does not answer; null if nothing is known yet */
export const Waiting = ({ reason }: { reason: string | null }) => (
  <main class="door">
    <div class="panel" role="status">
      <h1>Event Broker</h1>
      <p>{reason ?? "Asking the service …"}</p>
      {reason !== null && <p class="muted">The console asks again every two seconds.</p>}
      {storedKey() !== null && reason !== null && (
        <div class="actions">
          <Button onClick={signOut}>Use another key</Button>
        </div>
      )}
    </div>
  </main>
)

export const NoReadScope = ({ me }: { me: Me }) => (
  <main class="door">
    <div class="panel">
      <h1>Event Broker</h1>
      <p>
        The key <code>{me.name}</code> has the {me.scopes.length === 1 ? "scope" : "scopes"}{" "}
        {me.scopes.join(", ")}. The console needs <code>read</code>, which no other scope includes.
      </p>
      <div class="actions">
        <Button onClick={signOut}>Use another key</Button>
      </div>
    </div>
  </main>
)

import { useEffect, useRef } from "preact/hooks"
import type { Me } from "../api/answers.ts"
import { LastingDialog } from "../parts/lasting-dialog.tsx"
import { usePlace } from "../routing.ts"
import { followOverview } from "../state/overview.ts"
import { hasScope, session } from "../state/session.ts"
import { useStore } from "../state/store.ts"
import { ConnectionBanner } from "./connection-banner.tsx"
import { Keys } from "./keys.tsx"
import { Navigation } from "./navigation.tsx"
import { screenAt } from "./screens.tsx"
import { NoReadScope, SignIn, Waiting } from "./sign-in.tsx"
import { Toasts } from "./toasts.tsx"

/** The console: the screen that the address names, once the service has said what the key allows. */
export const App = () => (
  <>
    <Door />
    <Toasts />
  </>
)

function Door() {
  const current = useStore(session)
  if (current.kind === "asking") return <Waiting reason={null} />
  if (current.kind === "waiting") return <Waiting reason={current.reason} />
  if (current.kind === "needs-key") return <SignIn fault={current.fault} />
  if (!hasScope("read")) return <NoReadScope me={current.me} />
  return <Console me={current.me} />
}

function Console({ me }: { me: Me }) {
  const place = usePlace()
  const main = useRef<HTMLElement>(null)
  const { title, screen, section } = screenAt(place)
  const address = place.path.join("/")
  useEffect(followOverview, [])
  useEffect(() => {
    document.title = `${title} · Event Broker${me.console.label === "" ? "" : ` · ${me.console.label}`}`
  }, [title, me])
  useEffect(() => {
    main.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [address])
  return (
    <div class="console">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Navigation me={me} section={section} />
      <main id="main" ref={main} tabIndex={-1}>
        <ConnectionBanner />
        <div class="screen" key={address}>
          {screen}
        </div>
      </main>
      <Keys />
      <LastingDialog />
    </div>
  )
}

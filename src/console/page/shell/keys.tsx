import { useEffect } from "preact/hooks"
import { Button } from "../parts/button.tsx"
import { Dialog } from "../parts/dialog.tsx"
import { openPublish, PublishDialog } from "../publishing/publish-dialog.tsx"
import { goTo } from "../routing.ts"
import { mayDo } from "../state/session.ts"
import { Store, useStore } from "../state/store.ts"
import { SECTIONS } from "./sections.ts"

/** How long the second key may come after `g`, in milliseconds. */
const CHORD_MS = 1_500

const isShown = new Store(false)

export const showKeys = (): void => isShown.set(true)

/** The keys of the console, their help, and the dialog that one of them opens. */
export function Keys() {
  const isOpen = useStore(isShown)
  useEffect(listen, [])
  return (
    <>
      <PublishDialog />
      {isOpen && <KeysHelp />}
    </>
  )
}

function KeysHelp() {
  const close = (): void => isShown.set(false)
  const keys: readonly (readonly [string, string])[] = [
    ...SECTIONS.map(({ key, name }) => [`g ${key}`, name] as const),
    ["/", "Search or filter"],
    ["p", "Pause or continue the live events"],
    ...(mayDo("publish") ? [["c", "Publish an event"] as const] : []),
    ["j, k", "Next or previous row"],
    ["Enter", "Open the row"],
    ["Esc", "Close a dialog, leave a field"],
    ["?", "Show these keys"],
  ]
  return (
    <Dialog title="Keyboard shortcuts" onClose={close}>
      <dl class="keys">
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <div class="actions end">
        <Button onClick={close}>Close</Button>
      </div>
    </Dialog>
  )
}

/** Listens for keys that no field takes. */
function listen(): () => void {
  let isAfterG = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (isField(event.target)) {
      if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur()
      return
    }
    if (document.querySelector("dialog[open]") !== null) return
    const section = isAfterG ? SECTIONS.find(({ key }) => key === event.key) : undefined
    isAfterG = event.key === "g"
    clearTimeout(timer)
    timer = setTimeout(() => {
      isAfterG = false
    }, CHORD_MS)
    if (section !== undefined) goTo(section.id === "" ? [] : [section.id])
    else if (!press(event.key)) return
    event.preventDefault()
  }
  document.addEventListener("keydown", onKey)
  return () => document.removeEventListener("keydown", onKey)
}

/** Does what a key stands for. Returns false if it stands for nothing. */
function press(key: string): boolean {
  switch (key) {
    case "?":
      showKeys()
      return true
    case "/":
      return focusOn("[data-search]")
    case "p":
      return clickOn("[data-pause]")
    case "c":
      if (mayDo("publish")) openPublish(null)
      return mayDo("publish")
    case "j":
    case "k":
      return moveRow(key === "j" ? 1 : -1)
    default:
      return false
  }
}

function focusOn(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector)
  element?.focus()
  return element !== null
}

function clickOn(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector)
  element?.click()
  return element !== null
}

/** Moves the focus between the links that open the rows of a list. */
function moveRow(step: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  const next = rows[at === -1 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step))]
  next?.focus()
  return next !== undefined
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]")

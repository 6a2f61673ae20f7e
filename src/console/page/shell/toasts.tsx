import { useStore } from "../state/store.ts"
import { dismiss, toasts } from "../state/toasts.ts"

/** Messages about what was done. Screen readers say them; a click removes one. */
export function Toasts() {
  const shown = useStore(toasts)
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, isFault }) => (
        <div class={isFault ? "toast bad" : "toast"} key={id}>
          <span>{text}</span>
          <button type="button" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  )
}

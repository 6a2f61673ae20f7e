import { say } from "../state/toasts.ts"
import { Button } from "./button.tsx"

/** Copies a text. Over plain http a browser gives no clipboard to a page, so the text is selected in a field instead. */
export const Copy = ({ text, children }: { text: () => string; children: string }) => (
  <Button onClick={() => copy(text())}>{children}</Button>
)

function copy(text: string): void {
  if (navigator.clipboard !== undefined) {
    navigator.clipboard.writeText(text).then(
      () => say("Copied."),
      () => copyBySelection(text),
    )
    return
  }
  copyBySelection(text)
}

function copyBySelection(text: string): void {
  const field = document.createElement("textarea")
  field.value = text
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand("copy")
  field.remove()
  say(isCopied ? "Copied." : "The browser does not allow this page to copy.", !isCopied)
}

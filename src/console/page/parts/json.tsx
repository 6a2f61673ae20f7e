/** JSON with its digits as they are, or another text. It can be focused, so that the keyboard scrolls it. */
export const Json = ({ value, label }: { value: unknown; label: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
  <section class="code" tabIndex={0} aria-label={label}>
    <pre>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
  </section>
)

/** A bar that shows how much of a bound is used. Its value is written beside it. */
export const Meter = ({ value, max, label }: { value: number; max: number; label: string }) => (
  <meter class="meter" min={0} max={max} high={max * 0.8} optimum={0} value={value} aria-label={label} />
)

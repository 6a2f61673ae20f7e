const WIDTH = 88
const HEIGHT = 22

/** A small line without axes. It repeats what the numbers beside it say, so it is hidden from screen readers. */
export function Sparkline({ values }: { values: readonly number[] }) {
  if (values.length < 2) return <span class="muted">–</span>
  const top = Math.max(1, ...values)
  const step = WIDTH / (values.length - 1)
  const points = values.map((value, index) => {
    const y = HEIGHT - 2 - (value / top) * (HEIGHT - 4)
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`
  })
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      aria-hidden="true"
    >
      <polyline points={points.join(" ")} />
    </svg>
  )
}

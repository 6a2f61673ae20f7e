import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import type { Throughput } from "../../api/answers.ts"
import { rate } from "../../format/numbers.ts"
import { now } from "../../state/clock.ts"

const HEIGHT = 200
/** Shortest time that is shown, in seconds: a service that has just started would fill the chart with its first step. */
const MIN_SECONDS = 300

/** Steps of the axis of rates: whole numbers only. */
const INCREMENTS = [1, 10, 100, 1_000, 10_000, 100_000].flatMap((power) => [power, power * 2, power * 5])

/** Steps of the axis of time, in minutes. */
const MINUTES = [1, 2, 5, 10, 15, 30]

const SERIES = [
  { name: "published", color: "--chart-published" },
  { name: "handled", color: "--chart-handled" },
  { name: "failed", color: "--chart-failed" },
] as const

/** The counts of the last hour as lines. The figures above it say the latest values as text. */
export function ThroughputChart({ throughput }: { throughput: Throughput }) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const latest = useRef(throughput)
  latest.current = throughput
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const draw = (): void => {
      chart.current?.destroy()
      chart.current = new uPlot(optionsFor(element), dataOf(latest.current), element)
    }
    draw()
    const scheme = matchMedia("(prefers-color-scheme: dark)")
    scheme.addEventListener("change", draw)
    const sizes = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    )
    sizes.observe(element)
    return () => {
      scheme.removeEventListener("change", draw)
      sizes.disconnect()
      chart.current?.destroy()
      chart.current = null
    }
  }, [])
  useEffect(() => chart.current?.setData(dataOf(throughput)), [throughput])
  return <div class="chart" ref={place} role="img" aria-label="Events per second in the last hour" />
}

export const ChartLegend = () => (
  <ul class="legend">
    {SERIES.map(({ name }) => (
      <li key={name} class={name}>
        {name}
      </li>
    ))}
  </ul>
)

/** The events of each second, at the end of each step. */
function dataOf({ step_seconds: step, ends_at, ...counts }: Throughput): uPlot.AlignedData {
  const end = ends_at === 0 ? now() : ends_at
  const { length } = counts.published
  const times = Array.from({ length }, (_, index) => end - (length - 1 - index) * step)
  const perSecond = (values: readonly number[]): number[] => values.map((value) => value / step)
  const series = [counts.published, counts.handled, counts.failed].map(perSecond)
  // A line needs two points: before the first step, the instance did not run.
  if (length < 2)
    return [[end - step, ...(length === 0 ? [end] : times)], ...series.map((values) => [0, values[0] ?? 0])]
  return [times, ...series]
}

function optionsFor(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis: uPlot.Axis = {
    stroke: color("--muted"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    plugins: [readout()],
    scales: {
      x: { range: (_, min, max) => [Math.min(min, max - MIN_SECONDS), max] },
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 64,
        size: 28,
        incrs: MINUTES.map((count) => count * 60),
        values: (_, times) => times.map(clockTime),
      },
      { ...axis, size: 44, incrs: [...INCREMENTS], values: (_, values) => values.map(rate) },
    ],
    series: [
      {},
      ...SERIES.map((series) => ({
        label: series.name,
        stroke: color(series.color),
        width: 1.5,
        points: { show: false },
      })),
    ],
  }
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" })
const CLOCK_SECONDS = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" })
const clockTime = (seconds: number): string => CLOCK.format(seconds * 1_000)

/** Shows the values below the pointer. */
function readout(): uPlot.Plugin {
  const box = document.createElement("div")
  box.className = "readout"
  return {
    hooks: {
      init: (chart) => void chart.over.append(box),
      setCursor: (chart) => {
        const index = chart.cursor.idx
        const time = index === null || index === undefined ? undefined : chart.data[0][index]
        box.hidden = time === undefined
        if (time === undefined || index === null || index === undefined) return
        const values = SERIES.map(
          ({ name }, place) => `${name} ${rate(chart.data[place + 1]?.[index] ?? 0)}/s`,
        )
        box.textContent = [CLOCK_SECONDS.format(time * 1_000), ...values].join("\n")
        const isRight = (chart.cursor.left ?? 0) > chart.over.clientWidth / 2
        box.classList.toggle("left", isRight)
      },
    },
  }
}

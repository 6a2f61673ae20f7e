import type { ComponentChildren } from "preact"

/** Names and values, side by side. */
export const Facts = ({
  facts,
}: {
  facts: readonly (readonly [name: string, value: ComponentChildren])[]
}) => (
  <dl class="facts">
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

/** A number that matters, with its name. */
export const Figure = ({ name, value, tone }: { name: string; value: string; tone?: "bad" | "warning" }) => (
  <div class={`figure ${tone ?? ""}`}>
    <dt>{name}</dt>
    <dd class="numeric">{value}</dd>
  </div>
)

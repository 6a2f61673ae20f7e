import { Missing } from "../parts/states.tsx"
import { hrefOf } from "../routing.ts"

export const NotFound = () => (
  <Missing title="There is no such screen.">
    <a href={hrefOf([])}>Go to the overview</a>
  </Missing>
)

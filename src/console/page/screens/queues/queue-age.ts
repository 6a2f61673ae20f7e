import type { Queue } from "../../api/answers.ts"
import { lengthOf } from "../../format/time.ts"

/** Says how long the oldest event of a queue has waited; a dash if none waits, or it is not known. */
export const ageOf = ({ oldest_waiting_age: age }: Queue): string =>
  age === undefined || age === null || age === 0 ? "–" : lengthOf(age)

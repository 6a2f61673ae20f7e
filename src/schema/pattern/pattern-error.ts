/** A regular expression that can't be used. The message says why, without the expression. */
export class PatternError extends Error {
  override readonly name = "PatternError"
}

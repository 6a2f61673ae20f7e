import { readSync } from "node:fs"
import { isatty } from "node:tty"
import { EXIT_REFUSED } from "./exit-codes.ts"
import { printError } from "./output.ts"
import { CommandError } from "./service-client.ts"
import { type Shown, shown } from "./shown.ts"

const STDIN = 0
const STDERR = 2

/** Longest answer, in bytes. A terminal delivers a line at a time. */
const MAX_ANSWER_BYTES = 4_096

/** Tells whether a person can answer. A script can't. */
export const canAsk = (): boolean => isatty(STDIN) && isatty(STDERR)

/**
 * Asks a person on a terminal for confirmation. Does not ask a script, which can't answer.
 * @throws {CommandError} if the answer is not yes
 */
export function requireConfirmation(question: Shown): void {
  if (!canAsk()) return
  printError(shown`${question} [y/N] `)
  const answer = readAnswer()
  // Ctrl-D ends the answer and leaves the cursor behind the question.
  if (answer === "") printError(shown`\n`)
  if (/^y(es)?$/i.test(answer.trim())) return
  throw new CommandError("nothing was deleted", EXIT_REFUSED)
}

/** Reads the next line of the terminal, with its newline; empty after Ctrl-D. */
function readAnswer(): string {
  const bytes = Buffer.alloc(MAX_ANSWER_BYTES)
  return bytes.toString("utf8", 0, readSync(STDIN, bytes))
}

import { EXIT_REFUSED } from "./exit-codes.ts"
import { jsonText, type Shown, shown } from "./shown.ts"

let endsWithReader = true
let isOutputTheResult = true

/** Lets this command end well although its output can't be written: what it has done counts, such as a stored event. */
export const countWithoutOutput = (): void => {
  isOutputTheResult = false
}

/** Lets this command finish its work although nobody reads its output any more. */
export const continueWithoutReader = (): void => {
  endsWithReader = false
}

/**
 * Ends the command when the reader of its output has gone, as in `event-broker queues | head -1`, unless it continues
 * without one. Output that can't be written otherwise is reported, with exit code 1 if it is the result of the command.
 */
export function guardOutput(): void {
  process.stdout.on("error", (error: Error & { readonly code?: string }) => {
    if (error.code !== "EPIPE") {
      printFault(shown`standard output can't be written: ${error.code ?? error.message}`)
      if (isOutputTheResult) process.exitCode = EXIT_REFUSED
    } else if (endsWithReader) process.exit()
  })
}

/** Writes to standard output. */
export const print = ({ text }: Shown): void => void process.stdout.write(text)

/** Writes to standard error. */
export const printError = ({ text }: Shown): void => void process.stderr.write(text)

/** Writes why a command failed, in the form that all commands share. */
export const printFault = (message: Shown): void => printError(shown`event-broker: ${message}\n`)

export const printJson = (value: unknown): void => print(jsonText(`${JSON.stringify(value, null, 2)}\n`))

/** Writes a value as one line of JSON. */
export const printJsonLine = (value: unknown): void => print(jsonText(`${JSON.stringify(value)}\n`))

import { jsonText, type Shown, shown } from "./shown.ts"

/** Writes to standard output. */
export const print = ({ text }: Shown): void => void process.stdout.write(text)

/** Writes to standard error. */
export const printError = ({ text }: Shown): void => void process.stderr.write(text)

/** Writes why a command failed, in the form that all commands share. */
export const printFault = (message: Shown): void => printError(shown`event-broker: ${message}\n`)

export const printJson = (value: unknown): void => print(jsonText(`${JSON.stringify(value, null, 2)}\n`))

/** Writes a value as one line of JSON. */
export const printJsonLine = (value: unknown): void => print(jsonText(`${JSON.stringify(value)}\n`))

import { Console } from "node:console"
import { Writable } from "node:stream"
import type { LogLevel } from "../../handlers/handler-module.ts"

type WriteText = (level: LogLevel, text: string) => void

/**
 * Makes `console`, `process.stdout` and `process.stderr` of this thread write to the log. Bun's own ones write to the
 * process's descriptors and block: while nobody reads, the thread stands still and can't even be terminated.
 */
export function captureConsole(write: WriteText): void {
  const at = (level: LogLevel): Console => {
    const stream = textStream((text) => write(level, text))
    return new Console({ stdout: stream, stderr: stream })
  }
  const [info, warn, error] = [at("info"), at("warn"), at("error")]
  Object.assign(globalThis.console, info, {
    debug: at("debug").log,
    warn: warn.log,
    error: error.log,
    trace: error.trace,
    assert: error.assert,
  })
  for (const [name, level] of [
    ["stdout", "info"],
    ["stderr", "warn"],
  ] as const) {
    Object.defineProperty(process, name, { value: textStream((text) => write(level, text)) })
  }
}

function textStream(write: (text: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, done) {
      const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString()
      if (text !== "") write(text.replace(/\n$/, ""))
      done()
    },
  })
}

import { handlerEnvironment } from "../handlers/handler-environment.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Returns the program that opens pages in the browser of the person at this terminal, or null. */
function openerIn(environment: Environment): string | null {
  if (!process.stdout.isTTY) return null
  if (process.platform === "darwin") return Bun.which("open")
  const hasDesktop = Boolean(environment["DISPLAY"] || environment["WAYLAND_DISPLAY"])
  return hasDesktop ? Bun.which("xdg-open") : null
}

/** Opens a page in a browser if there is a terminal, and a desktop that has one. Never fails. The browser gets none of our secrets. */
export function openPage(url: string, environment: Environment): void {
  const opener = openerIn(environment)
  if (opener === null) return
  const env = handlerEnvironment(environment)
  try {
    Bun.spawn([opener, url], { env, stdin: "ignore", stdout: "ignore", stderr: "ignore" }).unref()
  } catch {
    // The address is in the banner.
  }
}

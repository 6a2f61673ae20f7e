import { asMessage, jsonText, type Shown, shown } from "./shown.ts"

/** How long the service may take to answer, in milliseconds. It answers within 50 whatever its engine does. */
const TIMEOUT_MS = 3_000

/** Where each question is answered. */
const PATHS = { report: "/health", ready: "/health/ready", live: "/health/live" } as const

export type HealthQuestion = keyof typeof PATHS

/** What came of asking: what to print, and whether all is well. */
export interface HealthAnswer {
  readonly isWell: boolean
  readonly text: Shown
}

/** Asks a service how it is. Never rejects: one that does not answer is not well. */
export async function checkHealth(serviceUrl: string, question: HealthQuestion): Promise<HealthAnswer> {
  const url = serviceUrl.replace(/\/+$/, "") + PATHS[question]
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) })
    return { isWell: response.ok, text: showBody((await response.text()).trim()) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return {
      isWell: false,
      text: shown`nothing answers at ${url}: ${reason}. Start the service, or give --url`,
    }
  }
}

/** JSON keeps its value; another program, such as a proxy, may answer with anything. */
function showBody(body: string): Shown {
  try {
    JSON.parse(body)
    return jsonText(body)
  } catch {
    return asMessage(body)
  }
}

/** Where a service that runs with these settings on this machine is reached. */
export function localUrl({ HOST, PORT }: { readonly HOST: string; readonly PORT: number }): string {
  const host = HOST === "0.0.0.0" ? "127.0.0.1" : HOST === "::" ? "::1" : HOST
  return `http://${host.includes(":") ? `[${host}]` : host}:${PORT}`
}

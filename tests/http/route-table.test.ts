import { describe, expect, spyOn, test } from "bun:test"
import { TrieRouter } from "hono/router/trie-router"
import type { Route } from "../../src/http/route.ts"
import { RouteTable } from "../../src/http/route-table.ts"

const route = (method: Route["method"], path: string, rest: Partial<Route> = {}): Route => ({
  method,
  path,
  scope: "read",
  eventTypes: "unaffected",
  description: { operationId: "", summary: "", description: "", tags: ["Events"], responses: {} },
  handler: () => new Response(),
  ...rest,
})

const ROOT = route("GET", "/")

const tableOf = (...routes: readonly Route[]) => new RouteTable([ROOT, ...routes], ROOT)

function matchOf(table: RouteTable, method: string, path: string) {
  const match = table.match(method, `http://x${path}`)
  if (match.kind === "route") return match.route
  return match.kind === "options" ? match.allowed : match.problem.slug
}

describe("a route", () => {
  test("without a scope can't be registered", () => {
    const { scope: _, ...unsaid } = route("GET", "/a")
    const routes = JSON.parse(JSON.stringify([unsaid]))
    expect(() => new RouteTable(routes, routes[0])).toThrow("GET /a has no scope")
  })

  test("that is open can't be limited to the event types of a key", () => {
    expect(() => tableOf(route("GET", "/a", { scope: "open", eventTypes: "limited" }))).toThrow("GET /a")
  })

  test("can't be defined twice", () => {
    expect(() => tableOf(route("GET", "/a"), route("GET", "/a"))).toThrow("GET /a is defined twice")
  })
})

describe("a match", () => {
  const types = route("GET", "/events/types")
  const event = route("GET", "/events/{id}")
  const publish = route("POST", "/events/{id}")
  const table = tableOf(event, types, publish)

  test.each([
    ["GET", "/events/types", types],
    ["HEAD", "/events/types", types],
    ["GET", "/events/%74ypes", types],
    ["GET", "/events/7", event],
    ["POST", "/events/types", publish],
    ["GET", "/events/a%2Ftypes", event],
    ["GET", "/", ROOT],
    ["GET", "/events/7/", "not-found"],
    ["GET", "//events/7", "not-found"],
    ["GET", "/events/", "not-found"],
    ["GET", "/events/%2574ypes", event],
    ["GET", "/events/%", "malformed-request"],
    ["GET", "/events/%f", "malformed-request"],
    ["GET", "/events/%%37%34ypes", "malformed-request"],
    ["GET", "/events/%ff", "malformed-request"],
    ["PUT", "/events/7", "method-not-allowed"],
    ["get", "/events/7", "method-not-allowed"],
    ["OPTIONS", "/events/types", ["GET", "HEAD", "POST", "OPTIONS"]],
    ["OPTIONS", "/", ["GET", "HEAD", "OPTIONS"]],
    ["OPTIONS", "/else", "not-found"],
  ] as const)("of %s %s", (method, path, expected) => {
    expect<unknown>(matchOf(table, method, path)).toEqual(expected)
  })

  test("depends only on the path if there is no Host", () => {
    const match = table.match("GET", "/events/../events/7?a=/b#c")
    expect(match).toMatchObject({ kind: "route", route: event, query: "?a=/b", label: "/events/:id" })
    expect(tableOf(types).match("GET", "/events/types")).toMatchObject({ kind: "route" })
    expect(table.match("GET", "//x/events/7")).toMatchObject({ kind: "refused" })
  })

  test("does not exist for a target that is not a path", () => {
    expect(table.match("CONNECT", "x:80")).toMatchObject({ problem: { slug: "malformed-request" } })
  })

  test("of a path with thousands of segments is not looked for segment by segment, and its message is short", () => {
    using router = spyOn(TrieRouter.prototype, "match")
    const match = table.match("GET", `http://x${"/a".repeat(7_000)}`)
    expect(match.kind === "refused" && match.problem.message.length).toBeLessThan(400)
    expect(router).not.toHaveBeenCalled()
    table.match("GET", "http://x/events/7")
    expect(router).toHaveBeenCalledTimes(1)
  })

  test("decodes a parameter once", () => {
    const match = table.match("GET", "http://x/events/%2574%2fé%20")
    expect(match.kind === "route" && match.params.get("id")).toBe("%74/é ")
  })

  test("of the frequent route requires exactly its path", () => {
    const frequent = new RouteTable([ROOT, publish, route("POST", "/abc/def")], route("POST", "/abc/def"))
    for (const url of ["http://x/abc/def?", "http://x/abc/def#", "http://x/x/../abc/def"]) {
      expect(frequent.match("POST", url).label).toBe("/abc/def")
    }
    for (const url of ["http://x/1/abc/def", "/123456/abc/def", "http://x//abc/def"]) {
      expect(frequent.match("POST", url).label).toBe("none")
    }
  })
})

import { expect, test } from "bun:test"
import { Troubles } from "../../../src/engine/rabbitmq/topology/troubles.ts"

const HELD = "its deliveries are held"

test("a problem is logged when it begins, when its reason changes and when it ends", () => {
  const log: string[] = []
  const troubles = new Troubles((level, message, { reason }) => log.push(`${level}: ${message} (${reason})`))
  for (const reason of ["no room", "no room", "no permission"]) troubles.began("retry.100", reason, HELD)
  expect(troubles.warning).toBe("retry.100 can't be used: no permission")
  troubles.ended("retry.100")
  troubles.ended("retry.100")
  expect(troubles.warning).toBeUndefined()
  expect(log).toEqual([
    "error: retry.100 can't be used: its deliveries are held (no room)",
    "error: retry.100 can't be used: its deliveries are held (no permission)",
    "info: retry.100 can be used again (undefined)",
  ])
})

test("the warning names three places and counts the others", () => {
  const troubles = new Troubles(() => {})
  for (const place of ["a", "b", "c"]) troubles.began(place, "no room", HELD)
  const three = "a can't be used: no room; b can't be used: no room; c can't be used: no room"
  expect(troubles.warning).toBe(three)
  for (const place of ["d", "e"]) troubles.began(place, "no room", HELD)
  expect(troubles.warning).toBe(`${three}; and 2 more`)
})

test("the number of remembered places is bounded, whatever clients do", () => {
  const troubles = new Troubles(() => {})
  for (let i = 0; i < 5_000; i++) troubles.began(`the topic ${i}`, "no permission", HELD)
  expect(troubles.warning).toContain("and 997 more")
})

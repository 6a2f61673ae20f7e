import { describe, expect, test } from "bun:test"
import { networkOf } from "../../src/http/client-name.ts"
import { Account, SharedBudget } from "../../src/http/shared-budget.ts"

/**
 * Takes one at a time for a client until it is refused. Returns the number taken, and the reason of the
 * refusal.
 */
function takeAll(budget: SharedBudget, client: string) {
  const account = new Account(budget, () => client)
  for (let taken = 0; ; taken++) {
    const shortage = account.take(1)
    if (shortage !== null) return { account, taken, shortage }
  }
}

describe("a client may take as much as it leaves free", () => {
  test("half, if it is alone; and something is left however many clients come", () => {
    const budget = new SharedBudget(1_024)
    // The first sixteenth is given without identifying the client.
    const shares = ["a", "b", "c", "d", "e"].map((client) => takeAll(budget, client))
    expect(shares.map(({ taken }) => taken)).toEqual([64 + 480, 240, 120, 60, 30])
    expect(shares.every(({ shortage }) => shortage === "share")).toBe(true)
    expect(takeAll(budget, "f").taken).toBeGreaterThan(0)
  })

  test("what is given back is available to all", () => {
    const budget = new SharedBudget(1_024)
    const { account } = takeAll(budget, "a")
    expect(new Account(budget, () => "a").take(1)).toBe("share")
    account.keep(100)
    expect(budget.taken).toBe(100)
    expect(new Account(budget, () => "a").take(1)).toBeNull()
    account[Symbol.dispose]()
    expect(budget.taken).toBe(1)
  })

  test("all requests of a client share its part", () => {
    const budget = new SharedBudget(1_600)
    takeAll(budget, "a")
    expect(new Account(budget, () => "a").take(1)).toBe("share")
    expect(new Account(budget, () => "b").take(1)).toBeNull()
  })
})

test("the largest amount fits a share of the smallest budget", () => {
  const budget = new SharedBudget(1_000, 1_000)
  const account = new Account(budget, () => "a")
  expect(account.take(1_000)).toBeNull()
  expect(new Account(budget, () => "b").take(1)).toBe("total")
  account[Symbol.dispose]()
  expect(budget.taken).toBe(0)
})

test("bytes that arrive after the end of a request are not counted", () => {
  const budget = new SharedBudget(1_000)
  const account = new Account(budget, () => "a")
  account.take(10)
  account[Symbol.dispose]()
  account.take(10)
  expect(budget.taken).toBe(0)
})

test("clients are not identified while little is taken", () => {
  const budget = new SharedBudget(1_600)
  const account = new Account(budget, () => {
    throw new Error("asked")
  })
  expect(account.take(100)).toBeNull()
  expect(() => account.take(1)).toThrow("asked")
})

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["2001:db8:1:2:3::", "2001:db8:1:2::/64"],
])("the client of the address %s is %s", (address, client) => {
  expect(networkOf(address)).toBe(client)
})

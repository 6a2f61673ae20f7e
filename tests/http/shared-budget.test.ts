import { describe, expect, test } from "bun:test"
import { networkOf } from "../../src/http/client-name.ts"
import { Account, SharedBudget } from "../../src/http/shared-budget.ts"

/** Takes one at a time for a client until it gets no more; returns how many it got, and why no more. */
function takeAll(budget: SharedBudget, client: string) {
  const account = new Account(budget, () => client)
  for (let taken = 0; ; taken++) {
    const shortage = account.take(1)
    if (shortage !== null) return { account, taken, shortage }
  }
}

describe("a client takes as much as it leaves free", () => {
  test("half, where it is alone; and there is something left however many come", () => {
    const budget = new SharedBudget(1_024)
    // Of a sixteenth nobody asks who takes it.
    const shares = ["a", "b", "c", "d", "e"].map((client) => takeAll(budget, client))
    expect(shares.map(({ taken }) => taken)).toEqual([64 + 480, 240, 120, 60, 30])
    expect(shares.every(({ shortage }) => shortage === "share")).toBe(true)
    expect(takeAll(budget, "f").taken).toBeGreaterThan(0)
  })

  test("what is given back can be taken by all", () => {
    const budget = new SharedBudget(1_024)
    const { account } = takeAll(budget, "a")
    expect(new Account(budget, () => "a").take(1)).toBe("share")
    account.keep(100)
    expect(budget.taken).toBe(100)
    expect(new Account(budget, () => "a").take(1)).toBeNull()
    account[Symbol.dispose]()
    expect(budget.taken).toBe(1)
  })

  test("all requests of a client are one", () => {
    const budget = new SharedBudget(1_600)
    takeAll(budget, "a")
    expect(new Account(budget, () => "a").take(1)).toBe("share")
    expect(new Account(budget, () => "b").take(1)).toBeNull()
  })
})

test("the largest part fits a share of the smallest budget", () => {
  const budget = new SharedBudget(1_000, 1_000)
  const account = new Account(budget, () => "a")
  expect(account.take(1_000)).toBeNull()
  expect(new Account(budget, () => "b").take(1)).toBe("total")
  account[Symbol.dispose]()
  expect(budget.taken).toBe(0)
})

test("what comes after the end of a request is not counted", () => {
  const budget = new SharedBudget(1_000)
  const account = new Account(budget, () => "a")
  account.take(10)
  account[Symbol.dispose]()
  account.take(10)
  expect(budget.taken).toBe(0)
})

test("nobody is asked who it is while there is plenty", () => {
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

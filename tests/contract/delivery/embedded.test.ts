import { describeDelivery } from "./delivery-contract.ts"

describeDelivery("the embedded engine", async () => ({
  variables: {},
  async [Symbol.asyncDispose]() {},
}))

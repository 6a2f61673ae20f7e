export { attemptsBefore, bodyOf, failureOf, isForeign, traceOf } from "./wire/decode.ts"
export { propertiesOf } from "./wire/encode.ts"
export { storeRedriven } from "./wire/store-redriven.ts"

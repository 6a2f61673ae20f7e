import { inNextTurn, NativePromise } from "./intrinsics.ts"

/** Resolves in the next turn of the event loop, so that other waiting work runs first. */
export const nextTurn = (): Promise<void> => new NativePromise((resolve) => inNextTurn(resolve))

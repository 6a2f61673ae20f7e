import type { ComponentChildren } from "preact"
import { Button } from "./button.tsx"

/** Stands in the place of a list that has nothing. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children !== undefined && <div class="muted">{children}</div>}
  </div>
)

/** A screen whose subject does not exist. */
export const Missing = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <h1>{title}</h1>
    {children !== undefined && <div class="muted">{children}</div>}
  </div>
)

/** Lines in the place of what is being loaded. */
export const Loading = ({ what }: { what: string }) => (
  <div class="loading" role="status">
    <span class="visually-hidden">Loading {what} …</span>
    <span class="line" />
    <span class="line" />
    <span class="line short" />
  </div>
)

/** Stands in the place of events that only a history could show. */
export const NoHistory = () => (
  <Empty title="The service keeps no history.">
    With <code>HISTORY=on</code> it records what becomes of each event.
  </Empty>
)

/** A request that failed, in the service's own words. */
export const Failed = ({ fault, onRetry }: { fault: string; onRetry?: () => void }) => (
  <div class="failure" role="alert">
    <p>{fault}</p>
    {onRetry !== undefined && <Button onClick={onRetry}>Try again</Button>}
  </div>
)

import type { JSX } from "preact"
import type { Place } from "../routing.ts"
import { DeadLetterScreen } from "../screens/dead-letters/dead-letter-screen.tsx"
import { DeadLettersScreen, QueueDeadLettersScreen } from "../screens/dead-letters/dead-letters-screen.tsx"
import { EventScreen } from "../screens/events/event-screen.tsx"
import { EventsScreen } from "../screens/events/events-screen.tsx"
import { ModulesScreen } from "../screens/modules/modules-screen.tsx"
import { OverviewScreen } from "../screens/overview/overview-screen.tsx"
import { QueueScreen } from "../screens/queues/queue-screen.tsx"
import { QueuesScreen } from "../screens/queues/queues-screen.tsx"
import { SchemaScreen } from "../screens/schemas/schema-screen.tsx"
import { SchemasScreen } from "../screens/schemas/schemas-screen.tsx"
import { NotFound } from "./not-found.tsx"
import type { SectionId } from "./sections.ts"

export interface Shown {
  readonly title: string
  readonly section: SectionId | null
  readonly screen: JSX.Element
}

/** Returns the screen of a place. */
export function screenAt({ path: [section = "", first, second], query }: Place): Shown {
  switch (section) {
    case "":
      return { title: "Overview", section, screen: <OverviewScreen /> }
    case "queues":
      if (first === undefined) return { title: "Queues", section, screen: <QueuesScreen query={query} /> }
      return { title: first, section, screen: <QueueScreen name={first} /> }
    case "events":
      if (first === undefined) return { title: "Events", section, screen: <EventsScreen query={query} /> }
      return { title: first, section, screen: <EventScreen id={first} /> }
    case "dead-letters":
      if (first === undefined) {
        return { title: "Dead letters", section, screen: <DeadLettersScreen query={query} /> }
      }
      if (second === undefined) {
        const screen = <QueueDeadLettersScreen queue={first} query={query} />
        return { title: `Dead letters of ${first}`, section, screen }
      }
      return {
        title: `Dead letter ${second}`,
        section,
        screen: <DeadLetterScreen queue={first} id={second} query={query} />,
      }
    case "modules":
      return { title: "Modules", section, screen: <ModulesScreen /> }
    case "schemas":
      if (first === undefined || second === undefined) {
        return { title: "Schemas", section, screen: <SchemasScreen /> }
      }
      return { title: `${first}.${second}`, section, screen: <SchemaScreen type={first} name={second} /> }
    default:
      return { title: "Not found", section: null, screen: <NotFound /> }
  }
}

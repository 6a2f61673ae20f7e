import type { HttpContext } from "./context.ts"
import { RouteTable } from "./route-table.ts"
import { abortReplay } from "./routes/abort-replay.ts"
import { asyncApiDocument } from "./routes/async-api-document.ts"
import { brokerHealth } from "./routes/broker-health.ts"
import { consolePages } from "./routes/console-pages.ts"
import { countDeadLetters } from "./routes/count-dead-letters.ts"
import { deleteQueue } from "./routes/delete-queue.ts"
import { docsPages } from "./routes/docs-pages.ts"
import { health, liveness, readiness } from "./routes/health.ts"
import { listDeadLetters } from "./routes/list-dead-letters.ts"
import { listEvents } from "./routes/list-events.ts"
import { listModules } from "./routes/list-modules.ts"
import { listQueueStates } from "./routes/list-queue-states.ts"
import { listQueues } from "./routes/list-queues.ts"
import { listReplays } from "./routes/list-replays.ts"
import { listSchemas } from "./routes/list-schemas.ts"
import { listTypes } from "./routes/list-types.ts"
import { liveEvents } from "./routes/live-events.ts"
import { liveOutcomes } from "./routes/live-outcomes.ts"
import { metrics } from "./routes/metrics.ts"
import { openApiDocument } from "./routes/open-api-document.ts"
import { overview } from "./routes/overview.ts"
import { pauseQueue, resumeQueue } from "./routes/pause-queue.ts"
import { publishBatch } from "./routes/publish-batch.ts"
import { publishEvent } from "./routes/publish-event.ts"
import { purgeDeadLetters, purgeSelectedDeadLetters } from "./routes/purge-dead-letters.ts"
import { purgeQueue } from "./routes/purge-queue.ts"
import { queueStats } from "./routes/queue-stats.ts"
import { redriveDeadLetters } from "./routes/redrive-dead-letters.ts"
import { redriveEditedDeadLetter } from "./routes/redrive-edited.ts"
import { reloadModules } from "./routes/reload-modules.ts"
import { resumeReplay } from "./routes/resume-replay.ts"
import { serviceInfo } from "./routes/service-info.ts"
import { showEvent } from "./routes/show-event.ts"
import { showMe } from "./routes/show-me.ts"
import { showQueue } from "./routes/show-queue.ts"
import { showReplayProgress } from "./routes/show-replay.ts"
import { showSchema } from "./routes/show-schema.ts"
import { startReplay } from "./routes/start-replay.ts"
import { unbindQueue } from "./routes/unbind-queue.ts"
import { validatePayload } from "./routes/validate-payload.ts"

/**
 * Every route of the service, in the order of the documentation. A route that is not listed here does not
 * exist.
 */
export function createRouteTable(context: HttpContext): RouteTable {
  const publish = publishEvent(context)
  const table: RouteTable = new RouteTable(
    [
      publish,
      publishBatch(context),
      liveEvents(context),
      liveOutcomes(context),
      listEvents(context),
      listQueues(context),
      listTypes(),
      queueStats(context),
      showEvent(context),
      pauseQueue(context),
      resumeQueue(context),
      listQueueStates(context),
      showQueue(context),
      deleteQueue(context),
      purgeQueue(context),
      unbindQueue(context),
      countDeadLetters(context),
      listDeadLetters(context),
      redriveDeadLetters(context),
      redriveEditedDeadLetter(context),
      purgeDeadLetters(context),
      purgeSelectedDeadLetters(context),
      startReplay(context),
      listReplays(context),
      showReplayProgress(context),
      abortReplay(context),
      resumeReplay(context),
      listModules(context),
      reloadModules(context),
      listSchemas(context),
      showSchema(context),
      validatePayload(context),
      health(context),
      readiness(context),
      liveness(),
      brokerHealth(context),
      metrics(context),
      showMe(context),
      overview(context),
      serviceInfo(context),
      ...consolePages(context),
      ...docsPages(),
      asyncApiDocument(context),
      openApiDocument(context, () => table.routes),
    ],
    publish,
  )
  return table
}

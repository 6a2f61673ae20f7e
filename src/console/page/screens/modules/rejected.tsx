import type { ModuleFault, ModuleSet } from "../../api/answers.ts"
import { Json } from "../../parts/json.tsx"
import { Time } from "../../parts/time.tsx"

/** Why the last reload was rejected: each fault with its place, and the code around it if the key may read code. */
export const Rejected = ({ rejected }: { rejected: NonNullable<ModuleSet["rejected"]> }) => (
  <section class="panel failure" aria-labelledby="rejected">
    <h2 id="rejected">
      The last reload was rejected <Time at={rejected.at} />
    </h2>
    <p class="muted">The modules before it stay in use.</p>
    {rejected.faults.map((fault) => (
      <Fault key={`${fault.module} ${fault.message}`} fault={fault} />
    ))}
  </section>
)

const Fault = ({ fault: { module, message, file, line, column, frame } }: { fault: ModuleFault }) => (
  <div class="module-fault">
    <p>
      {module !== null && <strong class="mono">{module}</strong>} {message}
    </p>
    {file !== null && (
      <p class="muted mono">
        {file}
        {line !== null && `:${line}:${column ?? 0}`}
      </p>
    )}
    {frame.length > 0 && <Json value={frame.join("\n")} label={`Code at ${file ?? ""}:${line ?? ""}`} />}
  </div>
)

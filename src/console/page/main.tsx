import "./console.css"
import { render } from "preact"
import { App } from "./shell/app.tsx"
import { beginSession } from "./state/session.ts"

const root = document.getElementById("console")
if (root !== null) render(<App />, root)
void beginSession()

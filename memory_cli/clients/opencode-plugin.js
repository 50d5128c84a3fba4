// memory-mcp: lets OpenCode record what it does, and recall what it met before, through `memory-cli hook`.
// Written by 'memory-cli setup opencode --hooks'; 'memory-cli setup opencode --remove' takes it away.
import { spawn } from "node:child_process"

const COMMAND = ["memory-cli"]
const LIMIT_MS = 5000

// Send one event in the format of Claude Code's hooks; whatever goes wrong, OpenCode goes on.
function hook(directory, event) {
  return new Promise((resolve) => {
    let output = ""
    let child
    try {
      child = spawn(COMMAND[0], [...COMMAND.slice(1), "hook"], { cwd: directory, stdio: ["pipe", "pipe", "ignore"] })
    } catch {
      resolve({})
      return
    }
    const timer = setTimeout(() => child.kill(), LIMIT_MS)
    child.on("error", () => resolve({}))
    child.on("close", () => {
      clearTimeout(timer)
      try {
        resolve(JSON.parse(output).hookSpecificOutput)
      } catch {
        resolve({})
      }
    })
    child.stdout.on("data", (data) => (output += data))
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(event))
  })
}

export const MemoryMcp = async ({ directory }) => {
  const told = new Map() // session → what its model should read, until it has
  const warnings = new Map() // call → what is known against it
  const started = new Map() // call → when it began
  const messages = new Map() // session → the last text of its model
  const sessions = new Set()
  const say = (sessionID, { additionalContext: text }) => text && told.set(sessionID, [...(told.get(sessionID) ?? []), text])
  const send = (name, sessionID, fields = {}) =>
    hook(directory, { hook_event_name: name, client: "opencode", session_id: sessionID, cwd: directory, ...fields })

  return {
    "chat.message": async (input, output) => {
      if (!sessions.has(input.sessionID)) {
        sessions.add(input.sessionID)
        say(input.sessionID, await send("SessionStart", input.sessionID, { source: "startup" }))
      }
      const prompt = output.parts
        .filter((part) => part.type === "text" && !part.synthetic)
        .map((part) => part.text)
        .join("\n")
      say(input.sessionID, await send("UserPromptSubmit", input.sessionID, { prompt }))
    },
    "experimental.chat.system.transform": async (input, output) => {
      for (const text of told.get(input.sessionID) ?? []) output.system.push(text)
    },
    "experimental.text.complete": async (input, output) => {
      messages.set(input.sessionID, output.text)
    },
    "tool.execute.before": async (input, output) => {
      started.set(input.callID, Date.now())
      const said = await send("PreToolUse", input.sessionID, { tool_name: input.tool, tool_input: output.args })
      if (said.permissionDecision === "deny") throw new Error(said.permissionDecisionReason)
      // a plugin cannot let OpenCode ask the user: the rule is told with the result instead
      const warning = [said.additionalContext, said.permissionDecisionReason].filter(Boolean).join("\n")
      if (warning) warnings.set(input.callID, warning)
    },
    "tool.execute.after": async (input, output) => {
      await send("PostToolUse", input.sessionID, {
        tool_name: input.tool,
        tool_input: input.args,
        // a tool of an MCP server answers with its content as it is
        tool_response:
          output.output === undefined
            ? output.content
            : { output: output.output, exit: output.metadata?.exit, diff: output.metadata?.diff },
        duration_ms: Date.now() - (started.get(input.callID) ?? Date.now()),
      })
      // a warning cannot be said before a call here: it comes with its result, and stays with the session
      const warning = warnings.get(input.callID)
      if (warning && output.output !== undefined) output.output = `${output.output}\n\n${warning}`
      warnings.delete(input.callID)
      started.delete(input.callID)
    },
    "experimental.session.compacting": async (input) => {
      await send("PreCompact", input.sessionID, { trigger: "auto" })
    },
    event: async ({ event }) => {
      if (event.type === "session.idle") {
        const sessionID = event.properties.sessionID
        await send("Stop", sessionID, { last_assistant_message: messages.get(sessionID) })
      }
      if (event.type === "session.deleted") {
        await send("SessionEnd", event.properties.info.id)
        told.delete(event.properties.info.id)
        messages.delete(event.properties.info.id)
      }
    },
    dispose: async () => {
      for (const sessionID of sessions) await send("SessionEnd", sessionID)
    },
  }
}

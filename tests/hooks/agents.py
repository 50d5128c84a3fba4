"""This module plays an agent: it calls `memory-cli hook` as a process, as Claude Code does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HOOK = [sys.executable, "-m", "memory_cli.entrance", "hook"]


class Agent:
    """One session of one client on the memory in `home`."""

    def __init__(self, home: Path, session_id: str, project: str = "day") -> None:
        self.home = home
        self.session_id = session_id
        self.environ = {**os.environ, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": project}

    def start(self) -> str:
        return self.event("SessionStart", source="startup")

    def prompt(self, text: str) -> str:
        return self.event("UserPromptSubmit", prompt=text)

    def before(self, command: str) -> str:
        return self.event("PreToolUse", tool_name="Bash", tool_input={"command": command})

    def passed(self, command: str, output: str = "") -> None:
        response = {"stdout": output, "stderr": "", "interrupted": False}
        assert (
            self.event("PostToolUse", tool_name="Bash", tool_input={"command": command}, tool_response=response) == ""
        )

    def failed(self, command: str, error: str) -> None:
        told = {"tool_name": "Bash", "tool_input": {"command": command}, "error": error, "duration_ms": 12.5}
        assert self.event("PostToolUseFailure", **told) == ""

    def edited(self, file: str) -> None:
        arguments = {"file_path": file, "old_string": "a", "new_string": "b"}
        self.event("PostToolUse", tool_name="Edit", tool_input=arguments, tool_response={"filePath": file})

    def stop(self) -> None:
        assert self.event("Stop", stop_hook_active=False) == ""

    def end(self) -> None:
        assert self.event("SessionEnd", reason="exit") == ""

    def event(self, name: str, **fields: Any) -> str:
        """Send an event and return what the agent is told."""
        told = {"session_id": self.session_id, "transcript_path": "/nowhere", "cwd": "/", "hook_event_name": name}
        return self.raw(json.dumps({**told, **fields}).encode())

    def raw(self, content: bytes, *words: str) -> str:
        done = subprocess.run([*HOOK, *words], input=content, env=self.environ, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        if not done.stdout:
            return ""
        answer = json.loads(done.stdout)["hookSpecificOutput"]
        assert set(answer) == {"hookEventName", "additionalContext"}
        text: str = answer["additionalContext"]
        return text

    @property
    def log(self) -> str:
        path = self.home / "hooks" / "hook.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

"""This module types commands in a directory, each a process of its own on one memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-P", "-m", "memory_cli.entrance"]


class Terminal:
    """A shell in a directory; `home` is where the memory lies."""

    def __init__(self, home: Path, directory: Path) -> None:
        self.home = home
        self.directory = directory

    def run(self, *words: str, code: int = 0, text: str = "") -> str:
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.directory,
            env=self.environ,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout if not code else done.stdout + done.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    def note(self, text: str) -> None:
        self.run("note", "add", text)

    @property
    def environ(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("MEMORY_MCP_", "CLAUDE_"))}
        return {**ours, "MEMORY_MCP_HOME": str(self.home)}

    @property
    def notes(self) -> list[str]:
        return [note["text"] for note in self.json("note", "list")["notes"]]

    @property
    def project(self) -> str:
        return str(self.json("project", "show")["project"])

    @property
    def looks_like(self) -> str | None:
        found: str | None = self.json("project", "show")["looks_like"]
        return found

"""The examples run, and the client fragments say what the clients read."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run(home: Path, *words: str) -> str:
    scripts = Path(sys.executable).parent  # where memory-mcp is installed
    environment = {**os.environ, "MEMORY_MCP_HOME": str(home), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, *words], cwd=EXAMPLES, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_task_recorded_by_one_example_is_found_by_the_other(tmp_path: Path) -> None:
    assert run(tmp_path, "recall_before_you_start.py") == "nothing relevant is remembered\n"

    assert run(tmp_path, "record_a_task.py").startswith("recorded ")

    lines = run(tmp_path, "recall_before_you_start.py").splitlines()
    assert "success: Make the nightly export resumable" in lines[0]
    assert "lesson: Exports go in parts" in lines[1]
    assert lines[2].startswith("fact: Tests run with `pytest tests/test_X.py`")
    assert lines[-1].startswith("file: app/export.py (")


def test_the_client_fragments_start_the_installed_command() -> None:
    claude = json.loads((EXAMPLES / "claude-code.mcp.json").read_text(encoding="utf-8"))
    opencode = json.loads((EXAMPLES / "opencode.json").read_text(encoding="utf-8"))

    assert claude["mcpServers"]["memory-mcp"]["command"] == "memory-mcp"
    assert opencode["mcp"]["memory-mcp"]["command"] == ["memory-mcp"]


def test_the_readme_shows_the_same_fragment_for_opencode() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert (EXAMPLES / "opencode.json").read_text(encoding="utf-8").strip() in readme


def test_the_generated_documents_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr

"""This module runs commands as a person types them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from typer.testing import Result

from memory_cli.app import app
from memory_cli.opening import AGENT_VARIABLES

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on this test's own memory; anything but exit code 0 must be announced."""
    monkeypatch.setenv("MEMORY_MCP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MEMORY_MCP_PROJECT_NAME", "desk")
    for name in AGENT_VARIABLES:  # the tests may be run by an agent
        monkeypatch.delenv(name, raising=False)
    runner = typer.testing.CliRunner()

    def runs(*words: str, code: int = 0, text: str | None = None) -> Result:
        result = runner.invoke(app, words, input=text)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return runs


def as_json(result: Result) -> Any:
    return json.loads(result.stdout)

"""A server asks a remote model only when one is chosen, with the key of the environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.embeddings.test_providers import Endpoint, endpoint
from tests.server.conftest import LIMIT_S, SERVER

__all__ = ["endpoint"]
CLIENT = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}


def used(home: Path) -> str:
    """Keep a note, look for it and ask how the provider does, each with its own server; return what these imported."""
    imported = ""
    for tool, arguments in (
        ("remember_note", {"text": "the ledger closes at noon"}),
        ("query_memory", {"query": "when does the ledger close"}),
        ("health_check", {}),
    ):
        messages: list[dict[str, Any]] = [
            {"id": 0, "method": "initialize", "params": CLIENT},
            {"method": "notifications/initialized"},
            {"id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}},
        ]
        told = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)
        environ = {**os.environ, "MEMORY_MCP_HOME": str(home), "PYTHONPROFILEIMPORTTIME": "1"}
        done = subprocess.run(
            SERVER, input=told, capture_output=True, env=environ, text=True, timeout=LIMIT_S, check=True
        )
        imported += done.stderr
        assert '"isError":true' not in done.stdout
    return imported


@pytest.fixture
def environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("OPENAI_API_KEY", "made-up-key")
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_a_key_alone_sends_nothing_and_the_library_is_not_even_imported(tmp_path: Path) -> None:
    imported = used(tmp_path)

    assert Endpoint.requests == []
    assert "memory_mcp.server.stdio.serving" in imported
    assert "openai" not in imported


def test_with_the_provider_chosen_the_key_of_the_environment_suffices(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("MEMORY_MCP_EMBEDDINGS_PROVIDER", "openai")

    used(tmp_path)
    embed = [sys.executable, "-P", "-m", "memory_cli.entrance", "model", "embed"]  # which waits for the vectors
    subprocess.run(embed, env={**os.environ, "MEMORY_MCP_HOME": str(tmp_path)}, timeout=LIMIT_S, check=True)

    assert {request["key"] for request in Endpoint.requests} == {"Bearer made-up-key"}
    assert "the ledger closes at noon" in json.dumps(Endpoint.requests)

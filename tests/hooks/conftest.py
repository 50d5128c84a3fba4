"""This module lends the hooks' tests a server, a home, and the memory that an agent's hooks fill."""

from pathlib import Path

import pytest

from memory_mcp.config.layers import resolve
from memory_mcp.memory import Memory
from tests.hooks.agents import Agent
from tests.server.conftest import raw

__all__ = ["home", "opened", "raw"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def opened(agent: Agent) -> Memory:
    return Memory.open(agent.environ, agent.home, actor="test", resolved=resolve(agent.environ, agent.home))

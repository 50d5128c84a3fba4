"""What can still be read when nothing can be written: a file-size limit stands for the full disk."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory
from tests.server.conftest import RawServer

LATE = 5
READS: dict[str, dict[str, Any]] = {
    "list_episodes": {},
    "query_memory": {"query": "the late lantern"},
    "search_patterns": {"query": "lantern"},
    "analyze_patterns": {},
    "recommend_patterns": {"task_description": "the late lantern"},
    "recommend_playbook": {"task_description": "the late lantern"},
    "check_action": {"command": "pytest"},
    "health_check": {},
    "get_metrics": {},
}
READER = """
import json, os, resource, sys
from pathlib import Path
from memory_mcp.memory import Memory
from memory_mcp.errors import MemoryMcpError
from memory_mcp.models.recall import Query
import memory_mcp.retrieval.search, memory_mcp.retrieval.similarity, memory_mcp.embeddings.choice

def told(call):
    try:
        return call()
    except MemoryMcpError as error:
        return f"{type(error).__name__}: {error}"

sys.dont_write_bytecode = True  # Python would keep a module that it could write in part only
resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
memory = Memory.open(os.environ, Path("/"), actor="reader")
answer = memory.recall.search(Query("late lantern"))
found = {
    "listed": len(memory.notes.list().notes),
    "hits": len(answer.hits),
    "degraded": answer.degraded,
    "written": told(lambda: memory.notes.add("no room for this")),
}
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(found))
"""


@pytest.fixture
def full(raw: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """A server whose disk became full right after it recorded what it had no time to index."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # Python would keep a module that it wrote in part only
    server = raw("--toolsets", "all")
    server.begin()
    result = server.call(1, "remember_note", text="an early lantern")["structuredContent"]
    assert "note_id" in result
    server.call(2, "query_memory", query="lantern")
    for number in range(LATE):
        assert "note_id" in server.call(3 + number, "remember_note", text=f"late lantern {number}")["structuredContent"]
    limit(server, 1)
    yield server
    limit(server, resource.RLIM_INFINITY)


def limit(server: RawServer, size_bytes: int) -> None:
    """Let no file of a running server grow past a size."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def test_every_tool_that_reads_answers_on_a_full_disk(full: RawServer) -> None:
    refused = {}
    for number, (tool, arguments) in enumerate(READS.items()):
        answer = full.call(100 + number, tool, **arguments)["structuredContent"]
        if "error" in answer:
            refused[tool] = answer["error"]

    assert refused == {}


def test_a_search_on_a_full_disk_finds_what_is_not_indexed_and_says_that_the_index_lags(full: RawServer) -> None:
    answer = full.call(100, "query_memory", query="late lantern", limit=10)["structuredContent"]

    assert len(answer["hits"]) == LATE + 1
    told = json.dumps(answer)
    assert ("there is no room to index" in told) == ("not indexed yet" in told)


def test_a_write_on_a_full_disk_is_refused_with_the_way_out_and_works_when_there_is_room(full: RawServer) -> None:
    refused = full.call(100, "remember_note", text="no room for this")["structuredContent"]
    limit(full, resource.RLIM_INFINITY)
    made = full.call(101, "remember_note", text="room again")["structuredContent"]
    found = full.call(102, "query_memory", query="room again")["structuredContent"]

    assert "no room left for" in refused["error"]
    assert "free some space and repeat it" in refused["error"]
    assert made["note_id"] in json.dumps(found)
    assert "no room for this" not in json.dumps(found)


@pytest.mark.parametrize("holds_open", [False, True], ids=["alone", "beside a process that has it open"])
def test_a_process_that_starts_on_a_full_disk_reads_everything(
    open_memory: OpenMemory, tmp_path: Path, *, holds_open: bool
) -> None:
    memory: Memory = open_memory("here")
    memory.notes.add("an early lantern")
    memory.recall.search(Query("lantern"))
    for number in range(LATE):
        memory.notes.add(f"late lantern {number}")
    if not holds_open:
        memory.close()

    environment = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "here"}
    done = subprocess.run([sys.executable, "-c", READER], capture_output=True, text=True, check=False, env=environment)

    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert (found["listed"], found["hits"]) == (LATE + 1, LATE + 1)
    assert f"there is no room to index: {LATE} newer records are not indexed yet" in found["degraded"][0]
    assert found["written"].startswith("StoreFullError: no room left for")


def test_a_damaged_record_is_listed_beside_the_others_on_a_full_disk(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory: Memory = open_memory("here")
    for number in range(LATE + 1):
        memory.notes.add(f"late lantern {number}")
    with memory.store.database.write() as session:
        session.run("UPDATE notes SET text = 'a flipped bit' WHERE key = 1")

    environment = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "here"}
    done = subprocess.run([sys.executable, "-c", READER], capture_output=True, text=True, check=False, env=environment)

    assert done.stderr == ""
    assert json.loads(done.stdout)["listed"] == LATE


def test_a_log_that_a_full_disk_makes_unreadable_is_reported(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory: Memory = open_memory("here")
    memory.notes.add("only in the log")
    home, copy = tmp_path / "home", tmp_path / "copy"
    copy.mkdir()
    for name in ("memory.db", "memory.db-wal"):
        (copy / name).write_bytes((home / name).read_bytes())

    environment = {**os.environ, "MEMORY_MCP_HOME": str(copy), "MEMORY_MCP_PROJECT_NAME": "here"}
    done = subprocess.run([sys.executable, "-c", READER], capture_output=True, text=True, check=False, env=environment)

    assert "memory.db-wal holds changes that cannot be read without" in done.stderr.splitlines()[-1]
    assert "free some space" in done.stderr.splitlines()[-1]

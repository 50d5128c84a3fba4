"""The ledger equals what the hooks' own processes and a real server print; a session is told nothing twice."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_cli.proofs.lab import PROJECT, Lab
from memory_mcp.memory import Memory
from memory_mcp.storage.ledger_store import LedgerDay


class Printing:
    """A session whose hooks print, and what that comes to."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.environ = lab.environ(home)
        self.printed: dict[str, int] = {}
        self.silent: dict[str, int] = {}

    def send(self, moment: str, event: str, session: str, **fields: Any) -> str:
        told = json.dumps({"session_id": session, "cwd": "/", "hook_event_name": event, **fields})
        command = [sys.executable, "-P", "-m", "memory_cli.entrance", "hook"]
        done = subprocess.run(command, input=told.encode(), env=self.environ, capture_output=True, check=True)
        assert done.stderr == b""
        where = self.printed if done.stdout else self.silent
        where[moment] = where.get(moment, 0) + (len(done.stdout) or 1)
        return done.stdout.decode()


def days(environ: dict[str, str]) -> list[LedgerDay]:
    with Memory.open(environ, Path("/"), actor="test") as memory:
        return memory.ledger.days(0)


@pytest.fixture
def session(tmp_path: Path) -> Printing:
    lab = Lab(tmp_path, dict(os.environ))
    played = Printing(lab, lab.home())
    with Memory.open(played.environ, Path("/"), actor="test") as memory:
        memory.notes.add("the basket of guests must be kept for größere orders: 30 days", importance=0.9)
    for number in range(2):
        own = f"s{number}"
        played.send("session-start", "SessionStart", own, source="startup")
        played.send("user-prompt", "UserPromptSubmit", own, prompt="how long must the basket of guests be kept?")
        played.send("user-prompt", "UserPromptSubmit", own, prompt="how long must the basket of guests be kept?")
        call = {"tool_name": "Bash", "tool_input": {"command": "pytest tests/basket"}}
        for _ in range(2):
            played.send("before-tool", "PreToolUse", own, **call)
            played.send("after-tool", "PostToolUseFailure", own, **call, error="ModuleNotFoundError: stripe")
        played.send("session-end", "SessionEnd", own, reason="exit")
    played.send("session-start", "SessionStart", "s3", source="startup")
    return played


def test_the_ledger_equals_the_bytes_that_the_hooks_printed(session: Printing) -> None:
    booked = days(session.environ)

    assert {each.moment: each.size_bytes for each in booked if each.size_bytes} == session.printed
    asked = {"session-start", "user-prompt", "before-tool"}
    silent = {moment: count for moment, count in session.silent.items() if moment in asked}
    assert {each.moment: each.silent for each in booked if each.silent} == silent
    assert sum(each.repeats for each in booked) == 0
    assert len(session.printed) > 1


def test_the_answers_of_a_server_are_booked_when_it_ends(tmp_path: Path) -> None:
    lab = Lab(tmp_path, dict(os.environ))
    home = lab.home()
    with lab.server(home) as server:
        note = server.call("remember_note", text="the basket of guests is kept for 30 days")
        answer = server.request("tools/call", name="query_memory", arguments={"query": "basket of guests"})
        server.close_input()

    with Memory.open(lab.environ(home), Path("/"), actor="test") as memory:
        booked = {each.moment: each.size_bytes for each in memory.ledger.days(0)}
        told = memory.ledger.records(0, 9)

    assert booked["query_memory"] == len(answer["content"][0]["text"].encode())
    assert [(each.kind, each.tellings) for each in told] == [("note", 2)], (told, note)
    assert memory.project == PROJECT

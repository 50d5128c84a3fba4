"""This module simulates faults of a user's machine, and counts what was written and what was lost."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from memory_cli.proofs.lab import NEW, SMALL_FILES, Lab, Prove, Skip, opened_store
from memory_cli.servers import Server, ServerGoneError, listed
from memory_mcp.errors import MemoryMcpError
from memory_mcp.storage.spoiling import DERIVED, spoil

_RESTORES = 4
_AFTER = 5  # writes tried after each fault
_LIMIT_S = 60
_MOST_WRITES = 1_000


def _deep(levels: int) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = [value]
    return value


_WILD: dict[str, Any] = {
    "an integer of 2^64": 2**64,
    "an integer of -2^63 - 1": -(2**63) - 1,
    "an integer of 5,000 digits less": 10**300,
    "a huge float": 1.7e308,
    "half an emoji": "cut \ud83d here",
    "a zero character": "a\0b",
    "300 lists in each other": _deep(300),
    "5,000 keys": {str(number): number for number in range(5_000)},
    "a megabyte of text": "x" * 1_000_000,
    "text that drives a terminal": "\x1b]8;;http://example.org\x07\u202e",
}


def _values(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    accepted: list[str] = []
    refused = unforeseen = 0
    with lab.server(home) as server:
        for name, value in _WILD.items():
            made = server.call("create_episode", task_description=f"record {name}", **NEW)["episode_id"]
            step = {"tool": "bash", "action": name, "parameters": {"value": value}}
            answer = server.call("add_episode_steps", episode_id=made, steps=[step])
            refused += "error" in answer
            unforeseen += "failed inside" in answer.get("error", "")
            accepted += [] if "error" in answer else [made]
    with lab.server(home) as server:
        served = [each for each in accepted if server.call("get_episode", episode_id=each).get("steps")]
        found = server.call("query_memory", query="record a huge float")
    lost = len(accepted) - len(served)
    told = f"{len(_WILD)} values tried, {len(accepted)} accepted, {refused} refused in a sentence, {lost} lost"
    return not lost and not unforeseen and bool(found.get("hits")), told


def _queue(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    with lab.server(home) as server:
        server.call("create_episode", task_description="before", **NEW)
        server.close_input()
    hooks = home / "hooks"
    hooks.mkdir(mode=0o700, exist_ok=True)
    (hooks / "taken.jsonl").write_bytes(b"")
    bad = [b"no JSON", b"[]", b'{"event": 5}', b'{"project": "selftest", "directory": "/", "event": {"name": "stop"']
    (hooks / "queue.jsonl").write_bytes(b"\n".join(bad) + b"\n")
    prompts = [f"mend part {number} of the login page" for number in range(_AFTER)]
    for number, prompt in enumerate(prompts):
        event = {"hook_event_name": "UserPromptSubmit", "session_id": f"session {number}", "prompt": prompt}
        _cli(lab, home, "hook", "user-prompt", stdin=json.dumps(event))
        tool = {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_response": {"stdout": "a"}}
        _cli(lab, home, "hook", "after-tool", stdin=json.dumps({**event, "hook_event_name": "PostToolUse", **tool}))
    with lab.server(home) as server:
        tasks = {row["task_description"] for row in _all(server)}
    lost = len(set(prompts) - tasks)
    seen = "set aside" in _cli(lab, home, "doctor")
    told = f"an empty file and {len(bad)} bad lines before {2 * len(prompts)} events: {lost} lost"
    return not lost and seen, f"{told}, the bad lines {'shown by doctor' if seen else 'NOT shown by doctor'}"


def _restores(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    with lab.server(home) as server:
        server.call("create_episode", task_description="before all", **NEW)
        server.close_input()
    _cli(lab, home, "backup", "create")
    copy = next((home / "backups").glob("*.db"))
    acknowledged: list[str] = []
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with lab.server(home) as server:
                while not done.is_set():
                    made = server.call("create_episode", task_description="while a copy is restored", **NEW)
                    acknowledged.extend([made["episode_id"]] if "episode_id" in made else [])
                    begun.set()
        finally:
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        begun.wait()  # a busy machine may restore everything before a server has started
        for _ in range(_RESTORES):
            _cli(lab, home, "backup", "restore", str(copy), "--yes")
    finally:
        done.set()
        writer.join()
    kept = lab.listed(home)
    for before in (home / "backups").glob("before-restore*.db"):
        other = lab.home()
        other.mkdir(mode=0o700)
        shutil.copyfile(before, other / "memory.db")
        kept |= lab.listed(other)
    lost = set(acknowledged) - kept
    told = f"{len(acknowledged)} writes beside {_RESTORES} restores: {len(lost)} in neither the store nor a copy"
    return not lost and bool(acknowledged), told


def _vanished(lab: Lab) -> tuple[bool, str]:
    harms: dict[str, Callable[[Path], object]] = {
        "deleted": lambda store: store.unlink(),
        "deleted with its log": _delete_all,
        "moved away": lambda store: store.rename(store.with_name("elsewhere.db")),
        "moved behind a link": lambda store: store.symlink_to(store.rename(store.with_name("elsewhere.db"))),
        "replaced": lambda store: _another(lab, store),
        "emptied": lambda store: os.truncate(store, 0),
        "cut in half": lambda store: os.truncate(store, store.stat().st_size // 2),
        "without its log": lambda store: store.with_name("memory.db-wal").unlink(missing_ok=True),
    }
    acknowledged = 0
    lost: dict[str, int] = {}
    for name, harm in harms.items():
        home = lab.home()
        written: list[str] = []
        with lab.server(home) as server:
            server.call("create_episode", task_description="before", **NEW)
            harm(home / "memory.db")
            for _ in range(_AFTER):
                made = server.call("create_episode", task_description=f"after it was {name}", **NEW)
                written += [made["episode_id"]] if "episode_id" in made else []
            server.kill()
        try:
            there = lab.listed(home)
        except MemoryMcpError:
            there = set()
        acknowledged += len(written)
        if missing := len(set(written) - there):
            lost[name] = missing
    told = f"{len(harms)} stores harmed under a server, {acknowledged} writes acknowledged afterwards"
    return not lost, f"{told}, {sum(lost.values())} lost{f' ({lost})' if lost else ''}"


def _delete_all(store: Path) -> None:
    for path in store.parent.glob("memory.db*"):
        path.unlink()


def _another(lab: Lab, store: Path) -> None:
    other = lab.home()
    with lab.server(other) as server:
        server.call("create_episode", task_description="in another store", **NEW)
        server.close_input()
    (other / "memory.db").replace(store)


def _derived(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    tasks = ["mend the login of guests", "draw the sales of a month", "empty the basket at night"]
    cache = home / "cache" / "hot" / "data.mdb"
    with lab.server(home) as server:
        made = [server.call("create_episode", task_description=task, **NEW)["episode_id"] for task in tasks]
        server.call("query_memory", query=tasks[0])
        server.close_input()
    silent, unseen, unmended = [], [], []
    for part in (*DERIVED, "the cache"):
        if part in DERIVED:
            with opened_store(home) as store:
                spoil(store, part)
            unseen += [] if "damaged" in _cli(lab, home, "doctor") else [part]
        elif cache.exists():
            cache.write_bytes(os.urandom(cache.stat().st_size))
        with lab.server(home) as server:
            answer = server.call("query_memory", query=tasks[0])
            readable = set(listed(server)) == set(made)
            server.close_input()
        silent += [] if readable and "error" not in answer else [part]
        _cli(lab, home, "index", "rebuild")
        with lab.server(home) as server:
            hits = server.call("query_memory", query=tasks[0]).get("hits", [])
        unmended += [] if hits and hits[0].get("episode_id") == made[0] else [part]
    told = f"{len(DERIVED) + 1} derived parts damaged; not seen by doctor: {unseen or 'none'}"
    told += f"; without an answer: {silent or 'none'}; not mended by 'index rebuild': {unmended or 'none'}"
    return not (silent or unseen or unmended), told


def _full(lab: Lab) -> tuple[bool, str]:
    if os.name != "posix":
        raise Skip("needs a limit on the size of files")
    home = lab.home()
    acknowledged: list[str] = []
    refused = ""
    with lab.server(home, code=SMALL_FILES) as server:
        while not refused and len(acknowledged) < _MOST_WRITES:
            task = f"number {len(acknowledged)} {'of the filling words ' * 400}"
            made = server.call("create_episode", task_description=task, **NEW)
            refused = made.get("error", "")
            acknowledged += [] if refused else [made["episode_id"]]
        answer = server.call("query_memory", query="number 1 of the filling words")
        readable = set(listed(server))
        one = server.call("get_episode", episode_id=acknowledged[-1])
    lost = set(acknowledged) - lab.listed(home)
    reads = "error" not in answer and bool(answer.get("hits")) and "error" not in one and readable == set(acknowledged)
    told = f"{len(acknowledged)} writes until: {refused or 'no refusal'}; {len(lost)} lost"
    return reads and bool(refused) and not lost, f"{told}; reads and searches {'went on' if reads else 'STOPPED'}"


def _all(server: Server) -> Iterator[dict[str, Any]]:
    page = server.call("list_episodes", limit=100)
    yield from page["episodes"]


def _cli(lab: Lab, home: Path, *words: str, stdin: str = "") -> str:
    """Run a `memory-cli` command in its own process and return its output, whatever its exit code."""
    command: Sequence[str] = [sys.executable, "-P", "-m", "memory_cli.entrance", *words]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            env=lab.environ(home),
            cwd=lab.root,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServerGoneError(f"memory-cli {words[0]} did not end within {_LIMIT_S} s") from error
    return done.stdout


FAULTS: dict[str, Prove] = {
    "no value breaks the store for later calls": _values,
    "the hook queue moves on past events that cannot be handled": _queue,
    "restoring a copy loses nothing acknowledged meanwhile": _restores,
    "when the store vanishes under a server, no lost write is acknowledged": _vanished,
    "damage in the derived tables stops no recall and is mended": _derived,
    "a full disk loses no acknowledged write, and reads and searches go on": _full,
}

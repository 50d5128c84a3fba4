"""What Claude Code, OpenCode and Codex log becomes episodes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Step, StepError, StepSuccess, StepTimeout, Success
from tests.importers.taking import taken

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "claude-code"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/claude-code beside the checkout")


def line(kind: str, second: int, content: Any, **more: Any) -> dict[str, Any]:
    common = {
        "sessionId": "s1",
        "uuid": f"u{second}",
        "isSidechain": False,
        "timestamp": f"2026-01-31T09:00:{second:02}Z",
    }
    return {**common, "type": kind, "message": {"role": kind, "content": content}, **more}


def use(call: str, name: str, **arguments: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_use", "id": call, "name": name, "input": arguments}]


def result(call: str, text: str, *, failed: bool = False) -> list[dict[str, Any]]:
    return [{"type": "tool_result", "tool_use_id": call, "content": text, "is_error": failed}]


SESSION = [
    {"type": "summary", "summary": "Parser repaired", "leafUuid": "u9"},
    line("user", 0, "<command-name>/clear</command-name>"),
    line("user", 1, "repair the parser"),
    line("assistant", 2, [{"type": "text", "text": "I will look."}, *use("c1", "Bash", command="pytest tests/parser")]),
    line("user", 4, result("c1", "Exit code 1\nE   ValueError: unexpected token", failed=True)),
    line("assistant", 5, use("c2", "Edit", file_path="src/parser.py", old_string="a", new_string="b")),
    line("user", 6, result("c2", "updated"), toolUseResult={"filePath": "src/parser.py"}),
    line("assistant", 7, use("c3", "Bash", command="pytest tests/parser")),
    line("user", 8, result("c3", "ok"), toolUseResult={"stdout": "3 passed", "stderr": "", "interrupted": False}),
    line("assistant", 9, [{"type": "text", "text": "The parser works again."}]),
    line("user", 10, "and commit it"),
    line("assistant", 11, use("c4", "Bash", command="git commit -am parser")),
]


def write(path: Path, lines: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    return path


def test_a_session_becomes_an_episode_with_calls_as_steps_and_evidence_as_outcome(
    memory: Memory, tmp_path: Path
) -> None:
    write(tmp_path / "projects" / "p" / "s1.jsonl", SESSION)

    summary = taken(memory, "claude-code", tmp_path / "projects")

    assert (summary.read, summary.imported, summary.bad) == (1, 1, 0)
    (row,) = memory.episodes.list().episodes
    episode = memory.episodes.get(row.id)
    assert episode.task == "repair the parser"
    assert episode.source is not None
    assert (episode.source.kind, episode.source.id) == ("claude-code", "s1")
    assert [(step.tool, step.action, type(step.result)) for step in episode.steps] == [
        ("Bash", "pytest tests/parser", StepError),
        ("Edit", "src/parser.py", StepSuccess),
        ("Bash", "pytest tests/parser", StepSuccess),
        ("assistant", "The parser works again.", type(None)),
        ("user", "and commit it", type(None)),
        ("Bash", "git commit -am parser", type(None)),  # nobody says how it went
    ]
    assert episode.steps[0].latency_ms == 2_000
    assert episode.steps[2].result == StepSuccess("3 passed")
    assert isinstance(episode.outcome, Success)
    assert "pytest tests/parser passed after the last change" in episode.outcome.verdict


def test_importing_twice_changes_nothing(memory: Memory, tmp_path: Path) -> None:
    write(tmp_path / "p" / "s1.jsonl", SESSION)

    first, second = (taken(memory, "claude-code", tmp_path) for _ in range(2))

    assert (first.imported, first.known, second.imported, second.known) == (1, 0, 0, 1)
    assert memory.store.counts()["episodes"] == 1


def test_a_session_that_was_resumed_since_is_brought_up_to_date(memory: Memory, tmp_path: Path) -> None:
    write(tmp_path / "p" / "s1.jsonl", SESSION[:6])
    taken(memory, "claude-code", tmp_path)
    (before,) = memory.episodes.list().episodes
    write(tmp_path / "p" / "s1.jsonl", SESSION)

    rehearsed = taken(memory, "claude-code", tmp_path, dry_run=True)
    grown = taken(memory, "claude-code", tmp_path)
    again = taken(memory, "claude-code", tmp_path)

    assert [(each.imported, each.grown, each.known) for each in (rehearsed, grown, again)] == [
        (0, 1, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]
    (after,) = memory.episodes.list().episodes
    assert (after.id, before.outcome, after.outcome) == (before.id, None, "success")
    assert after.step_count == 6


def test_a_rehearsal_counts_and_stores_nothing(memory: Memory, tmp_path: Path) -> None:
    write(tmp_path / "p" / "s1.jsonl", SESSION)

    assert taken(memory, "claude-code", tmp_path, dry_run=True).imported == 1
    assert memory.store.counts()["episodes"] == 0


def test_side_chains_are_child_episodes(memory: Memory, tmp_path: Path) -> None:
    side = [
        line("user", 20, "look for callers of parse()", isSidechain=True, uuid="a1", parentUuid=None),
        line("assistant", 21, use("s1", "Grep", pattern="parse\\("), isSidechain=True, uuid="a2", parentUuid="a1"),
        line("user", 22, result("s1", "src/a.py"), isSidechain=True, uuid="a3", parentUuid="a2"),
        line("user", 30, "a second helper", isSidechain=True, uuid="b1", parentUuid=None, agentId="helper"),
        line("assistant", 31, use("s2", "Read", file_path="x.py"), isSidechain=True, uuid="b2", agentId="helper"),
    ]
    write(tmp_path / "p" / "s1.jsonl", [*SESSION, *side])

    summary = taken(memory, "claude-code", tmp_path)

    tasks = {row.id: row.task for row in memory.episodes.list().episodes}
    children = memory.relationships.list(kind="parent_child")
    assert summary.relationships == 2
    assert {(tasks[each.from_id], tasks[each.to_id]) for each in children} == {
        ("repair the parser", "look for callers of parse()"),
        ("repair the parser", "a second helper"),
    }


def test_a_session_with_more_steps_than_an_episode_may_have_becomes_several(memory: Memory, tmp_path: Path) -> None:
    lines = [line("user", 1, "a long night")]
    for number in range(1_500):
        lines.append(line("assistant", 2, use(f"c{number}", "Bash", command=f"step {number}")))
        lines.append(line("user", 3, result(f"c{number}", "ok")))
    write(tmp_path / "p" / "s1.jsonl", lines)

    summary = taken(memory, "claude-code", tmp_path)

    assert summary.imported == 2
    rows = {row.task: row for row in memory.episodes.list().episodes}
    assert (rows["a long night"].step_count, rows["a long night (part 2)"].step_count) == (1_000, 500)
    (follows,) = memory.relationships.list(kind="follows")
    assert follows.from_id == rows["a long night (part 2)"].id


@needs_data
def test_real_transcripts_are_read_and_their_bad_lines_reported(memory: Memory) -> None:
    summary = taken(memory, "claude-code", DATA)

    assert (summary.imported, summary.bad) == (2, 6)  # the third only kept a list of what was to do
    assert {bad.where.rsplit(":")[-1] for bad in summary.reports} == {"11", "13", "14", "15", "16", "18"}
    assert "Hello Claude! Can you help me understand" in {row.task[:40] for row in memory.episodes.list().episodes}
    failed = [
        step
        for row in memory.episodes.list().episodes
        for step in memory.episodes.get(row.id).steps
        if step.tool == "FailingTool"
    ]
    assert [type(step.result) for step in failed] == [StepError]


OPENCODE = """
CREATE TABLE session (id text PRIMARY KEY, parent_id text, title text NOT NULL, time_created integer NOT NULL);
CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer, data text NOT NULL);
CREATE TABLE part (id text PRIMARY KEY, message_id text, session_id text, time_created integer, data text NOT NULL);
"""
PARTS = [
    ("m1", "user", {"type": "text", "text": "repair the parser"}),
    ("m1", "user", {"type": "text", "text": "hidden", "synthetic": True}),
    (
        "m2",
        "assistant",
        {
            "type": "tool",
            "tool": "bash",
            "callID": "c1",
            "state": {
                "status": "completed",
                "input": {"command": "pytest", "description": "test"},
                "output": "1 failed",
                "metadata": {"exit": 1},
                "time": {"start": 1_769_850_000_000, "end": 1_769_850_002_500},
            },
        },
    ),
    ("m2", "assistant", {"type": "text", "text": "It fails."}),
]


def check_opencode(memory: Memory) -> None:
    (row,) = memory.episodes.list().episodes
    episode = memory.episodes.get(row.id)
    at = 1_769_850_000_000_000
    assert episode.task == "repair the parser"
    assert episode.steps[0] == Step("bash", "pytest", {"description": "test"}, StepError("1 failed"), 2_500.0, at)
    assert [step.tool for step in episode.steps] == ["bash", "assistant"]


def test_opencodes_database_is_read(memory: Memory, tmp_path: Path) -> None:
    # by another process: two SQLite libraries in one would drop each other's locks
    code = (
        "import json, sqlite3, sys\n"
        "schema, parts = json.load(sys.stdin)\n"
        "c = sqlite3.connect(sys.argv[1]); c.executescript(schema)\n"
        "c.execute('INSERT INTO session VALUES (?, ?, ?, ?)', ('ses_1', None, 'a title', 1769849999000))\n"
        "for number, (message, role, part) in enumerate(parts):\n"
        "    c.execute('INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?)',\n"
        "        (message, 'ses_1', 1769849999500, json.dumps({'role': role})))\n"
        "    c.execute('INSERT INTO part VALUES (?, ?, ?, ?, ?)',\n"
        "        (f'prt_{number}', message, 'ses_1', 1769850000000, json.dumps(part)))\n"
        "c.commit()"
    )
    database = tmp_path / "opencode.db"
    told = json.dumps([OPENCODE, PARTS]).encode()
    subprocess.run([sys.executable, "-c", code, str(database)], input=told, check=True)

    assert taken(memory, "opencode", tmp_path).imported == 1
    check_opencode(memory)
    assert taken(memory, "opencode", database).known == 1


def test_opencodes_older_files_are_read(memory: Memory, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    session = {"id": "ses_1", "title": "a title", "time": {"created": 1_769_849_999_000}}
    files: dict[str, Any] = {"session/global/ses_1.json": session}
    for number, (message, role, part) in enumerate(PARTS):
        told = {"id": message, "role": role, "time": {"created": 1_769_849_999_500}}
        files[f"message/ses_1/{message}.json"] = told
        files[f"part/{message}/prt_{number}.json"] = part
    files["session/global/ses_bad.json"] = ["no session"]
    for name, content in files.items():
        (storage / name).parent.mkdir(parents=True, exist_ok=True)
        (storage / name).write_text(json.dumps(content), encoding="utf-8")

    summary = taken(memory, "opencode", tmp_path)

    assert (summary.imported, summary.bad) == (1, 1)
    check_opencode(memory)


CODEX = [
    {"timestamp": "2026-01-31T09:00:00Z", "type": "session_meta", "payload": {"id": "cx-1", "cwd": "/srv"}},
    {
        "timestamp": "2026-01-31T09:00:00Z",
        "type": "response_item",
        "payload": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "<environment_context>x"}],
        },
    },
    {
        "timestamp": "2026-01-31T09:00:01Z",
        "type": "response_item",
        "payload": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "repair the parser"}],
        },
    },
    {
        "timestamp": "2026-01-31T09:00:02Z",
        "type": "response_item",
        "payload": {
            "type": "function_call",
            "name": "shell",
            "arguments": '{"command": ["pytest", "-q"]}',
            "call_id": "c1",
        },
    },
    {
        "timestamp": "2026-01-31T09:00:05Z",
        "type": "response_item",
        "payload": {
            "type": "function_call_output",
            "call_id": "c1",
            "output": json.dumps({"output": "1 failed", "metadata": {"exit_code": 1, "duration_seconds": 2.5}}),
        },
    },
    {"timestamp": "2026-01-31T09:00:05Z", "type": "event_msg", "payload": {"type": "token_count"}},
    {
        "timestamp": "2026-01-31T09:00:06Z",
        "type": "response_item",
        "payload": {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch", "call_id": "c2"},
    },
    {
        "timestamp": "2026-01-31T09:00:07Z",
        "type": "response_item",
        "payload": {"type": "custom_tool_call_output", "call_id": "c2", "output": "Success"},
    },
    {
        "timestamp": "2026-01-31T09:00:08Z",
        "type": "response_item",
        "payload": {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Patched."}]},
    },
]


def test_codex_sessions_are_read(memory: Memory, tmp_path: Path) -> None:
    write(tmp_path / "2026" / "01" / "rollout-1.jsonl", [*CODEX, 5])

    summary = taken(memory, "codex", tmp_path)

    assert (summary.imported, summary.bad) == (1, 1)
    (row,) = memory.episodes.list().episodes
    episode = memory.episodes.get(row.id)
    assert episode.task == "repair the parser"
    assert episode.source is not None
    assert episode.source.id == "cx-1"
    assert [(step.tool, step.action, type(step.result), step.latency_ms) for step in episode.steps] == [
        ("shell", "pytest -q", StepError, 2_500.0),
        ("apply_patch", '{"input": "*** Begin Patch"}', StepSuccess, 1_000.0),
        ("assistant", "Patched.", type(None), None),
    ]
    assert taken(memory, "codex", tmp_path).known == 1


def test_secrets_in_a_transcript_do_not_reach_the_store(memory: Memory, tmp_path: Path) -> None:
    secret = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ" + "4rS6tU8vW0xYaB3dE5fG"
    lines = [line("user", 1, f"use {secret}"), line("assistant", 2, use("c1", "Bash", command=f"curl -H {secret}"))]
    write(tmp_path / "p" / "s1.jsonl", [*lines, line("user", 3, result("c1", f"denied {secret}"))])

    taken(memory, "claude-code", tmp_path / "p")
    memory.close()

    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            (
                "Chunk ID: a1\nWall time: 0.1500 seconds\nProcess exited with code 1\nOriginal token count: 9\n"
                "Output:\nno such unit"
            ),
            StepError("no such unit"),
        ),
        ("Exit code: 1\nWall time: 0.15 seconds\nOutput:\nno such unit", StepError("no such unit")),
        (json.dumps({"output": "no such unit", "metadata": {"exit_code": 1}}), StepError("no such unit")),
        ("Wall time: 0.1500 seconds\nProcess exited with code 0\nOutput:\nactive", StepSuccess("active")),
        # unified exec: a command that still runs, and one that was cut
        (
            (
                "Chunk ID: 3f9a1c\nWall time: 10.0012 seconds\nProcess running with session ID 4242\n"
                "Original token count: 2\nOutput:\nlistening"
            ),
            StepSuccess("listening"),
        ),
        (
            (
                "Wall time: 0.050 seconds\nProcess exited with code 2\n"
                "Warning: truncated output (original token count: 90000)\nOutput:\nno such unit"
            ),
            StepError("no such unit"),
        ),
        # the shell tool: a long output, and one that took too long
        (
            "Exit code: 1\nWall time: 2 seconds\nTotal output lines: 900\nOutput:\nno such unit",
            StepError("no such unit"),
        ),
        (
            "Exit code: 124\nWall time: 10 seconds\nOutput:\ncommand timed out after 10000 milliseconds\n1 of 9",
            StepTimeout("command timed out after 10000 milliseconds\n1 of 9"),
        ),
        (
            json.dumps({"output": "no such unit", "metadata": {"exit_code": 3, "duration_seconds": 0.1}}),
            StepError("no such unit"),
        ),
        # a program of tool calls (code mode), in parts
        (
            [
                {"type": "input_text", "text": "Script failed\nWall time 0.1 seconds\nOutput:\n"},
                {"type": "input_text", "text": "Script error:\nReferenceError: tools is not defined"},
            ],
            StepError("Script error:\nReferenceError: tools is not defined"),
        ),
        ("Script completed\nWall time 0.1 seconds\nOutput:\n12", StepSuccess("12")),
        # refused before anything ran
        (
            'exec_command failed for `/bin/bash -lc make`: CreateProcess { message: "Rejected" }',
            StepError,
        ),
        ("apply_patch verification failed: Failed to find expected lines in shop.py", StepError),
        ("execution error: Io(Os { code: 2, kind: NotFound })", StepError),
        # what a program prints itself is no exit code of Codex's
        ("notes.txt\nProcess exited with code 1\nOutput:\nx", StepSuccess),
        ("log: exec_command failed for `make`", StepSuccess),
        # the user aborted it
        ("Wall time: 8.9 seconds\naborted by user", type(None)),
        ("aborted by user after 8.9s", type(None)),
    ],
)
def test_the_exit_code_in_codexs_text_decides(memory: Memory, tmp_path: Path, output: Any, expected: Any) -> None:
    call = {"type": "function_call", "name": "exec_command", "call_id": "c", "arguments": '{"cmd": "make restart"}'}
    answer = {"type": "function_call_output", "call_id": "c", "output": output}
    lines = [{"timestamp": "2026-01-31T09:00:00Z", "type": "response_item", "payload": each} for each in (call, answer)]

    taken(memory, "codex", write(tmp_path / "rollout-1.jsonl", lines))

    (row,) = memory.episodes.list().episodes
    (step,) = memory.episodes.get(row.id).steps
    assert step.action == "make restart"
    assert step.result == expected if not isinstance(expected, type) else isinstance(step.result, expected)


def test_chats_make_no_episode_and_a_greeting_is_no_task(memory: Memory, tmp_path: Path) -> None:
    chat = [
        line("user", 1, "hi"),
        line("assistant", 2, [{"type": "text", "text": "Hello!"}]),
        line("user", 3, "thanks"),
    ]
    later = [line("user", 4, "repair the parser"), line("assistant", 5, use("c1", "Bash", command="ls"))]

    assert taken(memory, "claude-code", write(tmp_path / "a.jsonl", chat)).imported == 0
    assert taken(memory, "claude-code", write(tmp_path / "b.jsonl", [*chat, *later])).imported == 1

    assert [row.task for row in memory.episodes.list().episodes] == ["repair the parser"]


def test_the_last_message_of_a_proved_session_is_a_claim_in_its_verdict(memory: Memory, tmp_path: Path) -> None:
    lines = [*SESSION[:10]]

    taken(memory, "claude-code", write(tmp_path / "a.jsonl", lines))

    (row,) = memory.episodes.list().episodes
    outcome = memory.episodes.get(row.id).outcome
    assert isinstance(outcome, Success)
    assert outcome.evidence == "shown"
    assert outcome.verdict.endswith("The agent's last message, which is its claim: The parser works again.")


def test_an_edit_keeps_its_patch(memory: Memory, tmp_path: Path) -> None:
    hunk = {"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": ["-a", "+b"]}
    told = {"filePath": "a.py", "originalFile": "x" * 9_000, "structuredPatch": [hunk]}
    lines = [
        line("user", 1, "repair the parser"),
        line("assistant", 2, use("c1", "Edit", file_path="a.py", old_string="a", new_string="b")),
        line("user", 3, result("c1", "The file a.py has been updated. 1\thead"), toolUseResult=told),
    ]

    taken(memory, "claude-code", write(tmp_path / "a.jsonl", lines))

    (row,) = memory.episodes.list().episodes
    (step,) = memory.episodes.get(row.id).steps
    assert step.result == StepSuccess("@@ -1,1 +1,1 @@\n-a\n+b")

"""Records of the right place and the wrong shape: each is taken in or reported, and none ends in a traceback."""

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.errors import ImporterError
from memory_mcp.importers.archives import Opened, export_lines, import_export
from memory_mcp.importers.commits import Commit, commits_in, read_repository
from memory_mcp.importers.git import import_commits
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import Bad
from memory_mcp.importers.taking_in import Summary
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from tests.importers.taking import taken
from tests.importers.test_hostile_files import database
from tests.importers.test_other_memories import SLACK

TOO_LARGE = "@1e400@"  # written as a number that no float can hold
ODD: list[Any] = [
    *(None, True, [], {}, "", " ", 0, -1, 1.5, 1 << 62, 1 << 63, 1 << 64, 10**400, -(10**30), TOO_LARGE),
    *(float("nan"), float("inf"), -float("inf"), 1e308, "\ud800", "\udcff x", "a\0b", "\x1b]0;x\x07", "\x01\x02\x03"),
    *("yesterday", "0000-01-01", "9999999", "9999-12-31T23:59:59-23:59", "1e308", "../../etc/passwd", "x" * 20_000),
    *([None], [[]], {"a": None}, [{"type": None}], {"id": {"id": {}}}, ["\ud800"], [1, "a", None, {}], "\u202e\u2028"),
    json.loads("[" * 300 + "]" * 300),
]
CLAUDE = [
    {"type": "summary", "summary": "the till", "leafUuid": "u1"},
    {
        "type": "user", "sessionId": "s1", "uuid": "u1", "parentUuid": None, "cwd": "/gone", "isSidechain": False,
        "timestamp": "2026-01-31T09:00:00Z", "message": {"role": "user", "content": "repair the till"},
    },
    {
        "type": "assistant", "sessionId": "s1", "uuid": "u2", "timestamp": "2026-01-31T09:00:01Z", "isSidechain": True,
        "message": {"role": "assistant", "content": [
            {"type": "text", "text": "I look"},
            {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "ls", "timeout": 5}},
        ]},
    },
    {
        "type": "user", "sessionId": "s1", "uuid": "u3", "timestamp": "2026-01-31T09:00:02Z", "isSidechain": True,
        "toolUseResult": {"stdout": "a", "stderr": "", "exit_code": 0},
        "message": {"content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"text": "a"}]}]},
    },
]  # fmt: skip
CODEX = [
    {"timestamp": "2026-01-31T09:00:00Z", "type": "session_meta", "payload": {"id": "s1", "cwd": "/gone"}},
    {"type": "response_item", "payload": {"type": "message", "role": "user", "content": [{"text": "repair"}]}},
    {
        "type": "response_item",
        "payload": {"type": "function_call", "call_id": "c", "name": "shell", "arguments": '{"command": ["ls"]}'},
    },
    {"type": "response_item", "payload": {"type": "local_shell_call", "call_id": "d", "action": {"command": ["ls"]}}},
    {
        "type": "response_item",
        "payload": {
            "type": "function_call_output",
            "call_id": "c",
            "output": {"output": "a", "metadata": {"exit_code": 0, "duration_seconds": 1.5}},
        },
    },
]
PLAIN = [
    {
        "id": "a", "task": "repair", "task_type": "bug_fix", "tags": ["x"], "time": "2026-01-31T09:00:00Z",
        "complexity": "low", "outcome": "success", "verdict": "good", "steps": [
            {"tool": "bash", "action": "ls", "parameters": {"x": {"y": [1]}}, "result": "success", "output": "a",
             "latency_ms": 1.5, "time": 1769850000},
        ],
    },
    {"id": "b", "text": "a fact", "importance": 0.5, "source": "me", "time": 1769850000000},
]  # fmt: skip
GRAPH = [
    {"type": "entity", "name": "Ann", "entityType": "person", "observations": ["tea"]},
    {"type": "relation", "from": "Ann", "to": "Bob", "relationType": "knows"},
]
MEM0 = {
    "results": [
        {
            "id": "1", "memory": "prefers tabs", "user_id": "ann", "categories": ["style", {"name": "x"}],
            "metadata": {"categories": ["y"]}, "created_at": "2026-01-31", "updated_at": 1769850000, "state": "active",
        }
    ]
}  # fmt: skip
TRAJECTORY = {
    "trajectory": [
        {"action": "edit 1:2", "observation": "[File: /testbed/a.py (1 lines total)]", "execution_time": 1.5}
    ],
    "history": [{"role": "user", "content": [{"text": "ISSUE:\nit breaks\nINSTRUCTIONS:"}]}],
    "info": {"exit_status": "submitted (exit_cost)", "submission": "+++ b/a.py\n"},
}
MINI = [
    {
        "id": "a/b", "task": "repair the till", "task_type": "issue", "language": "python", "claimed": "submitted",
        "steps": [{"tool": "bash", "action": "ls", "output": "a", "exit_code_zero": False}],
    }
]  # fmt: skip
OPENCODE = {
    "session/p/s.json": {"id": "s", "parentID": "r", "title": "t", "directory": "/gone",
                         "time": {"created": 1769850000}},
    "message/s/m.json": {"id": "m", "role": "user", "time": {"created": 1769850000000}},
    "part/m/a.json": {"id": "a", "type": "text", "text": "repair the till"},
    "part/m/b.json": {
        "id": "b", "type": "tool", "tool": "bash", "callID": "c",
        "state": {"status": "completed", "input": {"command": "ls"}, "output": "a", "metadata": {"exit": 0},
                  "time": {"start": 1769850000000, "end": 1769850001000}},
    },
}  # fmt: skip
COMMITS: list[dict[str, Any]] = [
    {
        "commit": "a" * 40, "parents": ["b" * 40], "time": "2024-01-01T00:00:00Z", "subject": "Fix #1: it", "body": "b",
        "files": [["a.py", 1, 2, "b.py", [[1, 2, 3, 4]]]],
    },
    {"commit": "c" * 40, "parents": [], "time": "2024-01-02T00:00:00Z", "subject": 'Revert "Fix"',
     "body": "This reverts commit aaaaaaaa"},
]  # fmt: skip


def written(value: Any) -> str:
    return json.dumps(value).replace(f'"{TOO_LARGE}"', "1e400")


def as_lines(path: Path, lines: list[Any]) -> Path:
    path.write_text("\n".join(map(written, lines)), encoding="utf-8")
    return path


def as_document(path: Path, document: Any) -> Path:
    path.write_text(written(document), encoding="utf-8")
    return path


def as_files(path: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(written(content), encoding="utf-8")
    return path


Write = Callable[[Path, Any], Path]
SAMPLES: dict[str, tuple[str, Write, Any]] = {
    "claude-code": ("s.jsonl", as_lines, CLAUDE),
    "codex": ("s.jsonl", as_lines, CODEX),
    "jsonl": ("s.jsonl", as_lines, PLAIN),
    "server-memory": ("memory.json", as_lines, GRAPH),
    "mem0": ("export.json", as_document, MEM0),
    "swe-agent": ("s.traj", as_document, TRAJECTORY),
    "mini-swe-agent": ("s.jsonl", as_lines, MINI),
    "slack": ("slack", as_files, SLACK),
    "opencode": ("opencode", lambda path, files: as_files(path / "storage", files).parent, OPENCODE),
}


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each part of a structure."""
    yield above
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*above, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*above, number))


def replaced(value: Any, way: tuple[Any, ...], odd: Any) -> Any:
    if not way:
        return odd
    if isinstance(value, dict):
        return {name: replaced(inner, way[1:], odd) if name == way[0] else inner for name, inner in value.items()}
    return [replaced(inner, way[1:], odd) if number == way[0] else inner for number, inner in enumerate(value)]


def ways(sample: Any, kind: str) -> list[tuple[Any, ...]]:
    files = kind in {"slack", "opencode"}
    return [way for way in places(sample) if way or (not files and not isinstance(sample, list))]


def imported(memory: Memory, kind: str, path: Path) -> Summary:
    """Import as the command does: a source that cannot be read at all is one more bad record."""
    try:
        return taken(memory, kind, path)
    except ImporterError as error:
        assert str(path) in str(error)  # noqa: PT017 - what came of it is compared by the caller
        return Summary(bad=1)


def is_served(memory: Memory) -> None:
    """Read everything back, as lists, search and export do."""
    for row in memory.episodes.list(limit=1_000).episodes:
        memory.episodes.get(row.id)
    memory.notes.list(limit=1_000)
    memory.recall.search(Query("repair the till Ann"))
    assert b"".join(export_lines(memory.store, memory.clock))


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_value_of_the_wrong_kind_at_any_place_is_taken_in_or_reported(
    memory: Memory, tmp_path: Path, kind: str
) -> None:
    name, write, sample = SAMPLES[kind]
    dice = random.Random(11)  # noqa: S311 - which ones are tried
    tried = [(way, odd) for way in ways(sample, kind) for odd in ODD]

    for number, (way, odd) in enumerate(dice.sample(tried, min(len(tried), 120))):
        directory = tmp_path / str(number)
        directory.mkdir()
        summary = imported(memory, kind, write(directory / name, replaced(sample, way, odd)))

        assert summary.imported + summary.known + summary.grown + summary.bad > 0 or way, (way, odd)
    is_served(memory)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_several_odd_values_at_once_are_taken_in_or_reported(
    memory: Memory, tmp_path: Path, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(sorted(SAMPLES)))
    name, write, sample = SAMPLES[kind]
    values = st.recursive(
        st.sampled_from(ODD) | st.floats() | st.integers() | st.text(st.characters(), max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
    original = sample
    for _ in range(data.draw(st.integers(1, 4))):
        sample = replaced(sample, data.draw(st.sampled_from(ways(sample, kind))), data.draw(values))
        if type(sample) is not type(original) or not sample:
            break
    directory = tmp_path / data.draw(st.uuids()).hex
    directory.mkdir(exist_ok=True)

    imported(memory, kind, write(directory / name, sample if type(sample) is type(original) else original))
    is_served(memory)


@pytest.mark.parametrize("kind", SAMPLES)
def test_files_that_are_cut_or_garbled_are_taken_in_or_reported(memory: Memory, tmp_path: Path, kind: str) -> None:
    name, write, sample = SAMPLES[kind]
    dice = random.Random(13)  # noqa: S311 - where it is cut
    path = write(tmp_path / name, sample)
    files = [path] if path.is_file() else sorted(path.rglob("*.json"))

    for _ in range(60):
        file = dice.choice(files)
        whole = file.read_bytes()
        at = dice.randrange(len(whole))
        garbled = dice.choice(
            [whole[:at], whole[:at] + bytes([dice.randrange(256)]) + whole[at + 1 :], whole[at:], b"\xff\xfe" + whole]
        )
        file.write_bytes(garbled)
        imported(memory, kind, path)
        file.write_bytes(whole)
    is_served(memory)


@pytest.mark.parametrize(
    "content", [b"", b"null", b"5", b'"x"', b"[]", b"{}", b"[" * 100_000, b"\xff", b"NaN", b"1e400"]
)
@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind != "slack"])
def test_a_document_of_another_kind_is_reported(memory: Memory, tmp_path: Path, kind: str, content: bytes) -> None:
    name, _, _ = SAMPLES[kind]
    path = tmp_path / name
    if kind == "opencode":
        path = tmp_path / "storage" / "session" / "p" / "s.json"
        path.parent.mkdir(parents=True)
    path.write_bytes(content)

    assert imported(memory, kind, tmp_path if kind == "opencode" else path).imported == 0


@pytest.mark.parametrize("kind", ["mcp-memory-service", "claude-mem"])
def test_rows_of_odd_values_are_taken_in_or_reported(memory: Memory, tmp_path: Path, kind: str) -> None:
    odd = ["NULL", "x'ff'", "9e999", "-1", "1 << 62", "''", "'[[[['", "'yesterday'", "char(0)", "'{\"a\": 1}'", "1e308"]
    dice = random.Random(17)  # noqa: S311 - which ones are tried
    columns = "content_hash, content, tags, memory_type, metadata, created_at, deleted_at"
    if kind == "claude-mem":
        columns = "id, project, type, title, narrative, facts, files_read, created_at, created_at_epoch"
    table = "observations" if kind == "claude-mem" else "memories"
    rows = [", ".join(dice.choice(odd) for _ in columns.split(",")) for _ in range(300)]
    script = f"CREATE TABLE {table} ({columns});" + "".join(f"INSERT INTO {table} VALUES ({row});" for row in rows)

    summary = imported(memory, kind, database(tmp_path / "x.db", script))

    assert summary.imported > 0
    is_served(memory)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "---",
            "---\n",
            "---\n---\n",
            "---\ntitle:\ntags: [\n---\nx",
            "---\n- a\ntags:\n- b\n---\n",
            "\ufeff---\n",
        ),
        *("---\ntitle: " + "x" * 20_000 + "\n---\nbody", "---\npermalink: " + "x" * 20_000 + "\n---\nbody"),
        *("---\nmodified: 0000-99-99\n---\nbody", "---" + "\n" * 200_000 + "x", "#" * 200_000, "\x00\x01\x1b[2J"),
    ],
)
def test_odd_markdown_is_taken_in_or_reported(memory: Memory, tmp_path: Path, text: str) -> None:
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    (tmp_path / "name\udcff.md").write_text("of a strange name", encoding="utf-8")

    assert imported(memory, "basic-memory", tmp_path).imported >= 1
    is_served(memory)


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        *((float("nan"), 0), (float("inf"), 0), (10**400, 0), (-5, 0), (0, 0), (True, 0), (None, 0), ([], 0), ("x", 0)),
        *(("0000-01-01", 0), ("99999-01-01", 0), ("9999-12-31T23:59:59-23:59", 0), ("1969-01-01T00:00:00Z", 0)),
        *(("0001-01-01T00:00:00+23:59", 0), ("2026-01-31T09:00:00+99:99", 0), (1e308, 0), ("1e400", 0)),
        *((1_769_850_000, 1_769_850_000_000_000), (1_769_850_000_000, 1_769_850_000_000_000)),
        ("2026-01-31T09:00:00Z", 1_769_850_000_000_000),
    ],
)
def test_a_time_beyond_the_calendar_becomes_0(time: Any, moment: int) -> None:
    assert moment_of(time) == moment


def test_odd_lines_of_a_history_are_taken_in_or_reported(memory: Memory, tmp_path: Path) -> None:
    dice = random.Random(19)  # noqa: S311 - which ones are tried
    tried = [(way, odd) for way in places(COMMITS) if way for odd in ODD]

    for number, (way, odd) in enumerate(dice.sample(tried, 150)):
        path = as_lines(tmp_path / f"{number}.jsonl", replaced(COMMITS, way, odd))
        summary = import_commits(memory.episodes, memory.relationships, commits_in(path))
        assert summary.imported + summary.known + summary.bad >= 1
    is_served(memory)


def test_line_numbers_far_beyond_a_file_fill_no_memory(memory: Memory, tmp_path: Path) -> None:
    hunks = [[9_000_000, 1, 9_000_000, 9_000_000]]
    commits = [
        {**COMMITS[0], "commit": f"{number:040x}", "files": [[f"{number}.py", 1, 1, "", hunks]]} for number in range(20)
    ]
    commits.append({**COMMITS[0], "commit": "f" * 40, "files": [["x.py", 1, 1, "", [[1 << 40, 1, 1, 1 << 40]]]]})

    summary = import_commits(
        memory.episodes, memory.relationships, commits_in(as_lines(tmp_path / "log.jsonl", commits))
    )

    assert (summary.imported, summary.bad) == (20, 1)


class Objects:
    """A repository whose commits are written byte by byte."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.head = ""
        self._git(["init", "-q", str(path)], b"")
        self.tree = self._git(["-C", str(path), "mktree"], b"")

    def commit(self, author: bytes, message: bytes, more: bytes = b"") -> str:
        parent = f"parent {self.head}\n".encode() if self.head else b""
        maker = b"committer c <c@example.org> 1700000000 +0000\n"
        content = f"tree {self.tree}\n".encode() + parent + author + maker + more + b"\n" + message
        words = ["-C", str(self.path), "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
        self.head = self._git(words, content)
        self._git(["-C", str(self.path), "update-ref", "HEAD", self.head], b"")
        return self.head

    def _git(self, words: list[str], content: bytes) -> str:
        return subprocess.run(["git", *words], input=content, check=True, capture_output=True).stdout.decode().strip()


DATE = b"author a <a@example.org> 1600000000 +0000\n"


@pytest.mark.parametrize(
    ("author", "moment"),
    [
        (DATE, 1_600_000_000),
        (b"author a <a@example.org> 1600000000 +9999\n", 1_600_000_000),
        (b"author a <a@example.org> 1000000000000000000 +0000\n", 1_700_000_000),
        (b"author a <a@example.org> 99999999999999999999999 +0000\n", 1_700_000_000),
        (b"author a <a@example.org> -5 +0000\n", 1_700_000_000),
        (b"author a <a@example.org> 0 +0000\n", 1_700_000_000),
        (b"author a <a@example.org> yesterday\n", 1_700_000_000),
        (b"author \xff\xfe <> 1600000000 x\n", 1_700_000_000),
        (b"author\n", 1_700_000_000),
        (b"", 1_700_000_000),
    ],
)
def test_a_commit_with_an_odd_author_date_gets_its_commit_date(
    memory: Memory, tmp_path: Path, author: bytes, moment: int
) -> None:
    repository = Objects(tmp_path / "repository")
    repository.commit(author, b"a subject\n")

    summary = import_commits(memory.episodes, memory.relationships, read_repository(repository.path))

    assert (summary.imported, summary.bad) == (1, 0)
    assert memory.episodes.list().episodes[0].started_at == moment * 1_000_000


def test_a_message_cannot_end_its_commit_or_forge_another(memory: Memory, tmp_path: Path) -> None:
    repository = Objects(tmp_path / "repository")
    name = "d" * 40
    forged = f"\x01{name}\x02\x022024-01-01T00:00:00Z\x02forged\x02body\x03\n".encode()
    messages = [
        b"sub\x01ject\x02 of\x03\n\nbody\x03\n" + forged + b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n",
        b"before\0" + name.encode() + b"\0\0001600000000\0001600000000\0forged\0body\0\n",
        b"\x01\x02\x03\n\n\x03\n\x03\n\x01",
        b"",
        b"\xff\xfe not UTF-8 \xe4\n\n\xff",
        b"a\rb\x0b\x0c\x1c\x1d\x85\n\nc\x0bd\xe2\x80\xa8e",
    ]
    hashes = [repository.commit(DATE, message) for message in messages]
    hashes.append(repository.commit(DATE, b"k\xe4se", b"encoding latin-1\n"))

    commits = [each for each in read_repository(repository.path) if isinstance(each, Commit)]

    assert [each.commit for each in commits] == hashes
    assert all(each.files == () for each in commits)
    assert commits[1].subject == "before"
    assert commits[-1].subject == "käse"
    assert "forged" in commits[0].body
    assert import_commits(memory.episodes, memory.relationships, commits).imported == len(hashes)
    is_served(memory)


EXPORT_ODD = [odd for odd in ODD if odd is not TOO_LARGE]


def test_odd_lines_of_an_export_are_taken_in_or_reported(
    memory: Memory, another_home: Callable[..., Memory], tmp_path: Path
) -> None:
    memory.notes.add("the build needs node 22", tags=["build"])
    taken(memory, "jsonl", as_lines(tmp_path / "plain.jsonl", PLAIN))
    taken(memory, "slack", as_files(tmp_path / "slack", SLACK))
    memory.learning.follow()
    lines = [json.loads(line) for line in export_lines(memory.store, memory.clock)]
    other = another_home("there")
    dice = random.Random(23)  # noqa: S311 - which ones are tried
    tried = [(way, odd) for way in places(lines) if len(way) > 1 and way[0] for odd in EXPORT_ODD]

    for number, (way, odd) in enumerate(dice.sample(tried, 150)):
        path = as_lines(tmp_path / f"{number}.jsonl", replaced(lines, way, odd))
        try:
            import_export(
                lambda _: Opened(other.store, other.learning, other.decisions), path, lambda _: None, dry_run=False
            )
        except ImporterError as error:
            assert str(path) in str(error)  # noqa: PT017 - only some of them end so
    is_served(other)


def test_a_bad_record_is_named_without_what_it_is_not_allowed_to_hold() -> None:
    summary = Summary()

    summary.report(Bad("name\udcff", "reason \ud800"))

    assert summary.reports == [Bad("name\\udcff", "reason \\ud800")]

"""`memory-cli import` and `memory-cli export` as a person types them."""

import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Run, as_json
from tests.importers.test_hostile_files import database

TRANSCRIPT = [
    {
        "type": "user",
        "sessionId": "s1",
        "uuid": "u1",
        "timestamp": "2026-01-31T09:00:00Z",
        "message": {"role": "user", "content": "repair the parser"},
    },
    {
        "type": "assistant",
        "sessionId": "s1",
        "uuid": "u2",
        "timestamp": "2026-01-31T09:00:01Z",
        "message": {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "ls"}}],
        },
    },
]


def transcripts(tmp_path: Path) -> str:
    path = tmp_path / "projects" / "p" / "s1.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(map(json.dumps, TRANSCRIPT)) + "\nno json\n", encoding="utf-8")
    return str(tmp_path / "projects")


def test_transcripts_are_imported_once_with_a_summary_and_the_bad_lines(run: Run, tmp_path: Path) -> None:
    path = transcripts(tmp_path)

    rehearsed = run("import", "claude-code", path, "--dry-run")
    first = run("import", "claude-code", path)
    second = as_json(run("import", "claude-code", path, "--json"))

    assert "1 would be imported" in rehearsed.stdout
    assert "1 records read: 1 imported, 0 known already, 1 bad ones passed over" in first.stdout
    assert "s1.jsonl:3: this is no line of a transcript" in first.stderr
    assert "claude-code ━" in first.stderr
    assert (second["imported"], second["known"]) == (0, 1)
    assert as_json(run("episode", "search", "parser", "--json"))["hits"][0]["text"] == "repair the parser"


def session(file: Path, directory: str, task: str) -> None:
    called = [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "make"}}]
    lines = (
        {"type": "user", "uuid": "u", "message": {"role": "user", "content": task}},
        {"type": "assistant", "uuid": "a", "message": {"role": "assistant", "content": called}},
    )
    common = {"sessionId": file.stem, "cwd": directory, "timestamp": "2026-01-31T09:00:00Z"}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps({**common, **line}) + "\n" for line in lines), encoding="utf-8")


def test_sessions_go_to_the_projects_that_they_ran_in_unless_one_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMORY_MCP_PROJECT_NAME")
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(tmp_path))  # of the session that runs the command, not of the imported
    repository = tmp_path / "shop"
    (repository / ".git").mkdir(parents=True)
    (repository / "src").mkdir()
    logs = tmp_path / "projects"
    session(logs / "a.jsonl", str(repository / "src"), "repair the till")
    session(logs / "b.jsonl", "/gone/for/good", "repair the parser")
    session(logs / "c.jsonl", str(repository), "paint the till")
    session(logs / "d.jsonl", "C:\\work", "sweep the floor")
    session(logs / "e.jsonl", "/" + "x" * 300, "dust the shelf")

    done = run("import", "claude-code", str(logs)).stdout
    again = as_json(run("import", "claude-code", str(logs), "--json"))
    in_one = as_json(run("--project", "one", "import", "claude-code", str(logs), "--json"))

    assert f"2 imported into project {repository}" in done
    assert "1 imported into project /gone/for/good" in done
    assert "1 imported into project claude-code/C:\\work" in done  # no path of this machine
    assert f"1 imported into project claude-code//{'x' * 119}\n" in done
    assert f"project {tmp_path}\n" not in done
    assert (again["imported"], again["known"]) == (0, 5)
    assert in_one["projects"] == {"one": 5}
    listed = run("--project", "one", "episode", "list").stdout
    assert listed.count("unknown") == 5
    assert "active" not in listed
    episode_id = as_json(run("--project", "one", "episode", "list", "--json"))["episodes"][0]["id"]
    assert f"{episode_id}  imported, outcome unknown" in run("--project", "one", "episode", "view", episode_id).stdout
    there = as_json(run("--project", "/gone/for/good", "episode", "search", "repair", "--json"))
    assert [hit["text"] for hit in there["hits"]] == ["repair the parser"]


@pytest.mark.skipif(os.geteuid() == 0, reason="no directory is closed to root")
def test_a_session_of_a_directory_closed_to_this_user_is_known_by_its_path(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMORY_MCP_PROJECT_NAME")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    session(tmp_path / "a.jsonl", str(closed / "shop"), "repair the till")

    done = run("import", "claude-code", str(tmp_path / "a.jsonl")).stdout

    assert f"1 imported into project {closed / 'shop'}" in done


def claude_mem(path: Path, *projects: str | None) -> str:
    script = "CREATE TABLE observations (id INTEGER PRIMARY KEY, project TEXT, title TEXT, created_at_epoch INTEGER);"
    for number, project in enumerate(projects, 1):
        told = "NULL" if project is None else f"'{project}'"
        script += f"INSERT INTO observations VALUES ({number}, {told}, 'fact {number}', 1769850000000);"
    return str(database(path, script))


def test_a_bare_name_becomes_a_project_of_its_own_that_a_second_import_finds(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMORY_MCP_PROJECT_NAME")
    monkeypatch.chdir(tmp_path)
    run("--project", "shop", "note", "add", "of my own shop")
    run("--project", "claude-mem/shop", "note", "add", "of somebody who is called so")
    path = claude_mem(tmp_path / "claude-mem.db", "shop", "/gone/for/good", None, "till", tmp_path.name, "../shop")

    first = as_json(run("import", "claude-mem", path, "--json"))
    again = as_json(run("import", "claude-mem", path, "--json"))

    assert first["projects"] == {
        "claude-mem/shop (2)": 1,
        "/gone/for/good": 1,
        str(tmp_path): 1,  # of the record that names no project
        "claude-mem/till": 1,
        f"claude-mem/{tmp_path.name}": 1,
        "claude-mem/../shop": 1,
    }
    assert (again["imported"], again["known"]) == (0, 6)
    assert again["projects"] == dict.fromkeys(first["projects"], 0)
    notes = as_json(run("--project", "claude-mem/shop (2)", "note", "list", "--json"))["notes"]
    assert [note["text"] for note in notes] == ["fact 1"]


def test_everything_goes_to_the_project_that_is_named(run: Run, tmp_path: Path) -> None:
    path = claude_mem(tmp_path / "claude-mem.db", "shop", "/gone/for/good", None)

    assert as_json(run("import", "claude-mem", path, "--json"))["projects"] == {"desk": 3}
    assert as_json(run("--project", "one", "import", "claude-mem", path, "--json"))["projects"] == {"one": 3}


def test_records_of_many_projects_are_taken_in_though_few_are_open_at_a_time(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMORY_MCP_PROJECT_NAME")
    monkeypatch.chdir(tmp_path)
    path = claude_mem(tmp_path / "claude-mem.db", *(f"/gone/{number % 25}" for number in range(100)))

    first = as_json(run("import", "claude-mem", path, "--json"))
    again = as_json(run("import", "claude-mem", path, "--json"))

    assert first["projects"] == {f"/gone/{number}": 4 for number in range(25)}
    assert (again["imported"], again["known"]) == (0, 100)


def test_a_file_that_cannot_be_read_does_not_keep_the_others_out(run: Run, tmp_path: Path) -> None:
    good = claude_mem(tmp_path / "claude-mem.db", "shop")
    (tmp_path / "garbled.db").write_bytes(b"no database" * 100)

    done = run("import", "claude-mem", str(tmp_path / "garbled.db"), str(tmp_path / "absent.db"), good)

    assert "1 imported, 0 known already, 2 bad ones passed over" in done.stdout
    assert "garbled.db is no SQLite database that can be read" in done.stderr
    assert "absent.db is not a file" in done.stderr


def test_a_bad_commit_of_a_history_is_named_and_the_rest_is_taken_in(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "commits.jsonl"
    commit = {"commit": "a" * 40, "parents": [], "time": "2024-01-01T00:00:00Z", "subject": "begin"}
    path.write_text(f"{json.dumps(commit)}\nnull\n{json.dumps({**commit, 'time': 'once'})}\n", encoding="utf-8")

    done = run("import", "git", str(path))
    path.write_text("null\n", encoding="utf-8")
    none = run("import", "git", str(path), code=1)

    assert "1 commits read: 1 imported" in done.stdout
    assert "2 bad ones passed over" in done.stdout
    assert "commits.jsonl:3: this is no commit: its time is 'once'" in done.stderr
    assert "commits.jsonl:1: this is no commit" in none.stderr


def test_an_import_does_not_wait_for_the_writer_of_a_pipe(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")

    for kind in ("jsonl", "claude-code", "mem0", "slack", "server-memory"):
        assert "pipe.jsonl" in run("import", kind, str(tmp_path / "pipe.jsonl"), code=1).stderr


def test_a_directory_whose_settings_or_links_are_broken_gives_a_project_of_its_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMORY_MCP_PROJECT_NAME")
    broken, loop = tmp_path / "broken", tmp_path / "loop"
    broken.mkdir()
    (broken / "memory-cli.toml").write_text("[[[", encoding="utf-8")
    loop.symlink_to(loop)
    session(tmp_path / "logs" / "a.jsonl", str(broken), "repair the till")
    session(tmp_path / "logs" / "b.jsonl", str(loop / "x"), "paint the till")

    done = as_json(run("import", "claude-code", str(tmp_path / "logs"), "--json"))

    assert done["imported"] == 2
    assert f"claude-code/{broken}" in done["projects"]
    assert len(done["projects"]) == 2
    assert str(Path.cwd()) not in done["projects"]


def test_what_is_not_there_is_said(run: Run, tmp_path: Path) -> None:
    result = run("import", "codex", str(tmp_path / "absent"), code=1)

    assert "absent is not there; Codex's sessions lie in ~/.codex/sessions" in result.stderr


def test_a_file_with_nothing_but_bad_records_ends_with_exit_code_1(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("x\n" * 30, encoding="utf-8")

    result = run("import", "jsonl", str(path), code=1)

    assert result.stderr.count("bad.jsonl:") == 20
    assert "10 more; --json names the first hundred" in result.stderr


def test_every_kind_has_a_help_and_a_rehearsal(run: Run) -> None:
    kinds = [
        *(
            "git",
            "claude-code",
            "opencode",
            "codex",
            "swe-agent",
            "mini-swe-agent",
            "server-memory",
            "mcp-memory-service",
            "claude-mem",
        ),
        *("basic-memory", "mem0", "slack", "jsonl"),
    ]
    shown = run("import", "--help").stdout

    for kind in kinds:
        assert kind in shown
        assert "--dry-run" in run("import", kind, "--help").stdout


def test_a_rehearsal_of_git_changes_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "commits.jsonl"
    commit = {"commit": "a" * 40, "parents": [], "time": "2024-01-01T00:00:00Z", "subject": "begin"}
    path.write_text(json.dumps(commit), encoding="utf-8")

    assert "1 commits read: 1 would be imported" in run("import", "git", str(path), "--dry-run").stdout
    assert as_json(run("episode", "list", "--json"))["episodes"] == []


def test_an_export_is_private_and_gives_all_projects_back(run: Run, tmp_path: Path) -> None:
    run("note", "add", "of the desk")
    run("--project", "shop", "note", "add", "of the shop")
    path = tmp_path / "all.jsonl"

    told = run("export", str(path), "--all").stdout
    refused = run("export", str(path), code=1)
    there = ("--home", str(tmp_path / "there"))
    run(*there, "import", "jsonl", str(path), "--projects")

    assert "wrote 4 lines" in told
    assert "is there already; --force replaces it" in str(refused.exception)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for project, text in (("desk", "of the desk"), ("shop", "of the shop")):
        notes = as_json(run(*there, "--project", project, "note", "list", "--json"))["notes"]
        assert [note["text"] for note in notes] == [text]


def test_an_export_goes_to_stdout_too(run: Run) -> None:
    run("note", "add", "a fact")

    header, note = map(json.loads, run("export", "-").stdout.splitlines())

    assert (header["line"], header["project"]) == ("header", "desk")
    assert note["note"]["text"] == "a fact"

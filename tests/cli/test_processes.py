"""The command line as a process: the demo, imports of size, and what a listing loads."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memory_mcp.memory import Memory

CLI = [sys.executable, "-m", "memory_cli.app"]


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "process"}


def make_history(path: Path, commits: int) -> Path:
    """Write a repository with many commits in one go, through git fast-import."""
    path.mkdir()
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    areas = ("parser", "server", "cache", "router", "billing", "search", "mailer", "report")
    verbs = ("Add", "Fix", "Refactor", "Document", "Speed up", "Simplify", "Test")
    stream = []
    for number in range(commits):
        area, verb = areas[number % len(areas)], verbs[number % len(verbs)]
        message = f"{verb} {area} case {number}\n\nHandles input {number * 7919 % 1000} of the {area}."
        content = f"{area} {number}\n"
        stream.append(
            f"commit refs/heads/main\ncommitter T <t@example.org> {1_600_000_000 + number * 3600} +0000\n"
            f"data {len(message)}\n{message}\n"
            f"M 100644 inline {area}/file{number % 50}.py\ndata {len(content)}\n{content}\n"
        )
    subprocess.run(["git", "-C", str(path), "fast-import", "--quiet"], input="".join(stream).encode(), check=True)
    subprocess.run(["git", "-C", str(path), "symbolic-ref", "HEAD", "refs/heads/main"], check=True)
    return path


@pytest.mark.long
def test_the_demo_passes_on_a_repository_of_two_thousand_commits(tmp_path: Path) -> None:
    repository = make_history(tmp_path / "repository", 2_100)

    done = subprocess.run(
        [*CLI, "demo"], cwd=repository, env=environment(tmp_path), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "scratch memory with 2100 commits" in done.stdout
    assert "The recorded episode came back first." in done.stdout
    assert "Where the time went" in done.stdout


def test_the_demo_uses_the_recorded_sample_where_there_is_no_repository(tmp_path: Path) -> None:
    done = subprocess.run(
        [*CLI, "demo", "--json"], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["source"].endswith("sample-history.jsonl")
    assert report["imported"] > 5
    assert report["rehearsal"]["found_first"] is True
    assert len(report["rehearsal"]["questions"]) == 3


def test_everything_works_without_a_network(tmp_path: Path) -> None:
    alone = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine cannot take a process off the network")

    done = subprocess.run(
        [*alone, *CLI, "demo"], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_an_interrupt_ends_an_import_with_exit_code_130_and_keeps_whole_batches(tmp_path: Path) -> None:
    endless = tmp_path / "endless.jsonl"
    os.mkfifo(endless)
    process = subprocess.Popen(
        [*CLI, "import", "git", str(endless)], env=environment(tmp_path), stderr=subprocess.PIPE, text=True
    )
    with endless.open("w", encoding="utf-8") as pipe:
        for number in range(400):
            line = {"commit": f"{number:040x}", "parents": [], "time": "2024-01-01T00:00:00Z", "subject": f"s {number}"}
            pipe.write(json.dumps(line) + "\n")
        pipe.flush()
        with Memory.open(environment(tmp_path), tmp_path, actor="test") as memory:
            while memory.store.counts()["episodes"] < 200:
                assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
    assert "Traceback" not in errors

    listed = subprocess.run(
        [*CLI, "episode", "list", "--limit", "1000", "--json"],
        env=environment(tmp_path),
        capture_output=True,
        check=True,
    )
    assert len(json.loads(listed.stdout)["episodes"]) in {200, 400}


@pytest.mark.long
def test_ten_thousand_commits_are_imported_once(tmp_path: Path) -> None:
    repository = make_history(tmp_path / "repository", 10_000)
    command = [*CLI, "import", "git", str(repository), "--json"]

    first = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    second = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)

    assert json.loads(first.stdout)["imported"] == 10_000
    assert "commits" in first.stderr
    assert "━━" in first.stderr
    assert (json.loads(second.stdout)["imported"], json.loads(second.stdout)["known"]) == (0, 10_000)


HEAVY = {"numpy", "numpy.ma", "mcp", "mcp_types", "openai", "lmdb", "pydantic", "rich.table"}
HEAVY |= {"memory_mcp.retrieval", "memory_mcp.learning", "memory_cli.bench", "memory_cli.replay"}


@pytest.mark.parametrize(
    ("words", "heavy", "modules"),
    [
        ("--version", set(), set()),
        ("where --json", set(), {"where"}),
        ("config show --json", set(), {"config"}),
        ("episode list --json", set(), {"episode", "hits"}),
        ("note list --json", set(), {"note", "hits"}),
        ("tag list --json", set(), {"tag"}),
        ("relationship list --json", set(), {"relationship"}),
        ("handoff list --json", set(), {"handoff"}),
        ("playbook list --json", set(), {"playbook"}),
        ("episode list", {"rich.table"}, {"episode", "hits"}),
        ("check pytest --json", {"memory_mcp.retrieval", "memory_mcp.learning"}, {"judging"}),
        ("pattern list --json", {"memory_mcp.retrieval", "memory_mcp.learning"}, {"pattern"}),
        ("cache stats --json", set(), {"cache"}),
        ("episode search x --json", {"numpy", "memory_mcp.retrieval"}, {"episode", "hits"}),
    ],
)
def test_a_command_loads_only_what_it_needs(tmp_path: Path, words: str, heavy: set[str], modules: set[str]) -> None:
    code = (
        "import json, sys\nfrom memory_cli.app import app\n"
        "if 'list' in sys.argv and '--json' not in sys.argv:\n"
        "    from memory_mcp.memory import Memory; import os, pathlib\n"
        "    Memory.open(os.environ, pathlib.Path.cwd(), actor='t').episodes.start('a row to draw')\n"
        "try: app(sys.argv[1:], standalone_mode=False)\n"
        "finally: print(json.dumps(sorted(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert loaded & HEAVY == heavy
    found = {name.removeprefix("memory_cli.commands.") for name in loaded if name.startswith("memory_cli.commands.")}
    assert found == modules


def test_a_bad_line_of_a_history_is_named_the_rest_imported_and_a_second_import_adds_nothing(tmp_path: Path) -> None:
    repository = make_history(tmp_path / "repository", 1_000)
    log = subprocess.run(
        ["git", "-C", str(repository), "log", "--reverse", "--format=%H %aI"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [
        json.dumps({"commit": commit, "parents": [], "time": time, "subject": f"subject {commit}"})
        for commit, time in (line.split() for line in log.stdout.splitlines())
    ]
    broken = tmp_path / "broken.jsonl"
    broken.write_text("\n".join([*lines[:450], "nonsense", *lines[450:]]), encoding="utf-8")
    whole = tmp_path / "whole.jsonl"
    whole.write_text("\n".join(lines), encoding="utf-8")

    first = subprocess.run(
        [*CLI, "import", "git", str(broken)], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    second = subprocess.run(
        [*CLI, "import", "git", str(whole), "--json"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )

    assert first.returncode == 0
    assert "broken.jsonl:451: this is no commit" in first.stderr
    assert "1000 commits read: 1000 imported" in first.stdout
    assert json.loads(second.stdout) == {
        "read": 1000,
        "imported": 0,
        "known": 1000,
        "failures": 0,
        "relationships": 0,
        "bad": 0,
        "reports": [],
    }

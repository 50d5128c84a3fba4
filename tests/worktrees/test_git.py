"""Git is started without anything that a repository could tell it to run."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.errors import GitError
from memory_mcp.importers.commits import Commit, count_commits, read_repository
from memory_mcp.worktrees.git import run_git, stream_git
from memory_mcp.worktrees.merging import is_merged
from memory_mcp.worktrees.trees import WorkTree
from tests.worktrees.repositories import Repository
from tests.worktrees.traps import TrappedRepository

CLI = str(Path(sys.executable).with_name("memory-cli"))
EVENTS: dict[str, dict[str, Any]] = {
    "SessionStart": {"source": "startup"},
    "UserPromptSubmit": {"prompt": "Fix the parser"},
    "PreToolUse": {"tool_name": "Bash", "tool_input": {"command": "git log"}},
    "PostToolUse": {
        "tool_name": "Edit",
        "tool_input": {"file_path": "a.py", "old_string": "a", "new_string": "b"},
        "tool_response": {"filePath": "a.py"},
    },
    "PostToolUseFailure": {"tool_name": "Bash", "tool_input": {"command": "git log"}, "error": "exit 1"},
    "Stop": {"stop_hook_active": False},
    "PreCompact": {"trigger": "auto"},
    "SessionEnd": {"reason": "exit"},
}


@pytest.fixture
def trapped(tmp_path: Path) -> TrappedRepository:
    made = TrappedRepository(tmp_path)
    made.set_traps()
    return made


def history(repository: Path) -> Iterator[Commit]:
    """Yield the commits of a repository of which each can be read."""
    for commit in read_repository(repository):
        assert isinstance(commit, Commit)
        yield commit


def memory_cli(trapped: TrappedRepository, *words: str, told: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run a command in the repository, for a user whose PATH has places in it that mean the working directory."""
    place = trapped.root.parent
    environ = {
        "HOME": str(place),
        "MEMORY_MCP_HOME": str(place / "memory"),
        "PATH": os.pathsep.join([".", "", str(trapped.root), str(Path(CLI).parent), os.defpath]),
    }
    done = subprocess.run([CLI, *words], cwd=trapped.root, env=environ, input=told, capture_output=True, check=False)
    return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())


def marks(trapped: TrappedRepository) -> list[Path]:
    return list(trapped.root.parent.rglob("PWNED*"))


def test_plain_git_springs_every_trap(trapped: TrappedRepository) -> None:
    trapped.lose_a_blob()
    for name in ("README.md", "b.txt"):
        (trapped.root / name).write_text("changed\n", encoding="utf-8")

    trapped.run("log", "-p", "--no-textconv")
    trapped.run("log", "-p", "-1")
    trapped.run("add", "b.txt")
    without_process = ("-c", "filter.y.process=")  # git ends where that one fails
    trapped.run(*without_process, "diff")
    trapped.run(*without_process, "diff", "HEAD~1", "HEAD", "--", "b.txt")
    trapped.run(*without_process, "status")
    trapped.run(*without_process, "commit", "-m", "x", "--allow-empty")
    trapped.run(*without_process, "-c", "core.hooksPath=/dev/null", "commit", "--allow-empty")
    trapped.run("branch", "another")
    trapped.run_on_a_terminal("-p", "log")
    trapped.run("credential", "fill", told=b"protocol=https\nhost=nowhere.invalid\n\n")
    trapped.run("boom")
    trapped.run("receive-pack", ".")

    assert trapped.sprung == {
        *("ssh", "proxy", "ext", "gpg", "textconv", "smudge", "clean", "process", "external-diff", "diff-driver"),
        *("fsmonitor", "hook-post-index-change", "hook-pre-commit", "hook-reference-transaction", "editor"),
        *("askpass", "credential", "alias", "alternate-refs", "pager"),
    }


def test_an_import_of_history_springs_no_trap(trapped: TrappedRepository) -> None:
    first = memory_cli(trapped, "import", "git")
    second = memory_cli(trapped, "import", "git", "--dry-run")

    assert first.returncode == 0, first.stderr
    assert "3 commits read: 3 imported" in first.stdout
    assert "3 known already" in second.stdout
    assert marks(trapped) == []


def test_an_import_of_a_partial_clone_fetches_nothing_and_says_what_is_missing(trapped: TrappedRepository) -> None:
    trapped.lose_a_blob()

    done = memory_cli(trapped, "import", "git")

    assert done.returncode == 0
    assert "1 commits read: 1 imported" in done.stdout
    complaints = [line for line in done.stderr.splitlines() if line.startswith("memory-cli: ")]
    assert len(complaints) == 2  # the commit that brought the content, and the next, which is shown against it
    assert all("cannot be read" in each and "git fetch --refetch --no-filter" in each for each in complaints)
    assert marks(trapped) == []


def test_an_import_past_a_lost_commit_springs_no_trap(trapped: TrappedRepository) -> None:
    trapped.lose("HEAD~1")

    done = memory_cli(trapped, "import", "git")

    assert "1 commits read: 1 imported" in done.stdout
    assert "git cannot go past this commit, and 2 more were found" in done.stderr
    assert marks(trapped) == []


def test_the_hooks_spring_no_trap(trapped: TrappedRepository) -> None:
    for name, fields in EVENTS.items():
        told = {"session_id": "s", "cwd": str(trapped.root), "hook_event_name": name, **fields}
        done = memory_cli(trapped, "hook", told=json.dumps(told).encode())
        assert (done.returncode, done.stderr) == (0, "")

    assert marks(trapped) == []


def test_freshness_and_layers_spring_no_trap(trapped: TrappedRepository) -> None:
    created = memory_cli(trapped, "episode", "create", "repair the parser").stdout.split()[-1]
    memory_cli(trapped, "episode", "log-step", created, "edit", "mend", "--parameters", '{"file": "a.py"}')
    memory_cli(trapped, "episode", "complete", created)
    found = memory_cli(trapped, "episode", "search", "repair the parser", "--fresh", "--json")
    layered = memory_cli(trapped, "project", "layer", "topic")
    (trapped.root / ".git" / "refs" / "heads" / "topic").write_text(run_git(trapped.root, "rev-parse", "HEAD").stdout)
    folded = memory_cli(trapped, "project", "fold", "--merged")

    assert {done.returncode for done in (found, layered, folded)} == {0}, layered.stderr + folded.stderr
    assert "repair the parser" in found.stdout
    assert "topic: 0 records folded in" in folded.stdout
    assert marks(trapped) == []


def test_a_demonstration_springs_no_trap(trapped: TrappedRepository) -> None:
    package = trapped.root / "memory_mcp" / "server"
    package.mkdir(parents=True)
    for place in (package.parent / "__init__.py", package / "__init__.py", package / "rehearsal.py"):
        place.write_text(f"import pathlib; pathlib.Path({str(trapped.marks)!r}, 'PWNED-module').touch()\n")

    done = memory_cli(trapped, "demo")

    assert "The recorded episode came back first." in done.stdout, done.stderr
    assert "3 commits" in done.stdout
    assert marks(trapped) == []


def test_git_reads_the_repository_and_not_what_an_environment_names(
    trapped: TrappedRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"x": "1"}, "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", trapped.trap("environment"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "diff.external")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", trapped.trap("environment"))

    subjects = [commit.subject for commit in history(trapped.root)]

    assert subjects == ["start", "Fix the parser", "Speed up the lexer"]
    assert marks(trapped) == []


def test_configuration_changes_nothing_of_what_is_read(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"src/a.py": "".join(f"{n}\n" for n in range(20)), "b.py": "x\n"}, "Add é")
    repository.git("mv", "b.py", "c.py")
    repository.commit({"src/a.py": "".join(f"{n if n not in {3, 6} else 'new'}\n" for n in range(20))}, "change")
    before = list(history(repository.root))
    for key, value in {
        "log.showRoot": "false",
        "log.decorate": "full",
        "log.follow": "true",
        "log.date": "relative",
        "format.pretty": "oneline",
        "i18n.logOutputEncoding": "UTF-16",
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.srcPrefix": "x/",
        "diff.relative": "true",
        "diff.context": "9",
        "diff.interHunkContext": "9",
        "diff.renames": "false",
        "diff.renameLimit": "1",
        "diff.algorithm": "patience",
        "diff.orderFile": "order",
        "diff.wordRegex": ".",
        "core.bigFileThreshold": "1",
        "core.quotePath": "true",
        "core.abbrev": "4",
        "color.ui": "always",
        "mailmap.file": "map",
        "notes.displayRef": "refs/notes/*",
    }.items():
        repository.git("config", key, value)
    (repository.root / "order").write_text("c.py\n", encoding="utf-8")

    assert list(history(repository.root)) == before
    assert list(history(repository.root / "src")) == before
    assert [len(change.hunks) for change in before[1].files] == [0, 2]


def test_a_bare_repository_is_read(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "1"}, "one")
    repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))

    assert count_commits(tmp_path / "bare.git") == 1
    assert [commit.subject for commit in history(tmp_path / "bare.git")] == ["one"]


def as_configuration(repository: Repository, pipe: Path) -> None:
    (repository.root / ".git" / "config").unlink()
    pipe.rename(repository.root / ".git" / "config")


def as_included(repository: Repository, pipe: Path) -> None:
    repository.git("config", "include.path", str(pipe))


def as_attributes(repository: Repository, pipe: Path) -> None:
    pipe.rename(repository.root / ".gitattributes")


def as_head(repository: Repository, pipe: Path) -> None:
    (repository.root / ".git" / "HEAD").unlink()
    pipe.rename(repository.root / ".git" / "HEAD")


@pytest.mark.parametrize("place", [as_configuration, as_included, as_attributes, as_head])
def test_a_pipe_without_a_writer_ends_git_with_a_sentence(
    tmp_path: Path, place: Callable[[Repository, Path], None]
) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "1"})
    os.mkfifo(tmp_path / "pipe")
    place(repository, tmp_path / "pipe")

    with (
        pytest.raises(GitError, match=r"^git log in .*/repository printed nothing for 0\.3 s and was ended$"),
        stream_git(repository.root, "log", "-p", "HEAD", "--", silence_s=0.3) as lines,
    ):
        list(lines)


@pytest.mark.parametrize("key", ["core.attributesFile", "mailmap.file", "diff.orderFile", "core.excludesFile"])
def test_a_pipe_that_configuration_names_is_not_opened(tmp_path: Path, key: str) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "1"}, "one")
    os.mkfifo(tmp_path / "pipe")
    repository.git("config", key, str(tmp_path / "pipe"))

    assert count_commits(repository.root) == 1
    assert [commit.subject for commit in history(repository.root)] == ["one"]


def test_a_short_question_that_hangs_is_ended_with_a_sentence(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "1"})
    os.mkfifo(tmp_path / "pipe")
    as_included(repository, tmp_path / "pipe")
    tree = WorkTree(repository.root, repository.root / ".git", repository.root / ".git")

    with pytest.raises(GitError, match=r"^git rev-parse in .* took more than 0\.3 s and was ended$"):
        run_git(repository.root, "rev-parse", "HEAD", timeout_s=0.3)
    assert is_merged(tree, "main", "") is False


def test_a_reader_that_takes_its_time_is_not_mistaken_for_silence(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "line\n" * 100_000})

    with stream_git(repository.root, "log", "-p", "HEAD", "--", silence_s=0.2) as lines:
        first = next(lines)
        subprocess.run(["sleep", "0.5"], check=True)
        rest = list(lines)

    assert first.startswith(b"commit ")
    assert len(rest) > 100_000


def test_leaving_early_ends_git(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "line\n" * 100_000}, "one")

    for commit in history(repository.root):
        assert commit.subject == "one"
        break
    with stream_git(repository.root, "log", "-p", "HEAD", "--") as lines:
        next(lines)


def test_a_huge_line_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "x" * 3_000_000 + "\nend\n", "b": "1\n"})

    (commit,) = history(repository.root)
    with stream_git(repository.root, "log", "-p", "HEAD", "--") as lines:
        longest = max(len(line) for line in lines)

    assert [(change.path, change.added) for change in commit.files] == [("a", 2), ("b", 1)]
    assert longest == 1 << 20


@pytest.mark.parametrize("place", ["nowhere", "elsewhere"])
def test_a_work_tree_named_elsewhere_changes_nothing(tmp_path: Path, place: str) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "1\n"}, "one")
    before = list(history(repository.root))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".gitattributes").write_text("* binary\n", encoding="utf-8")
    repository.git("config", "core.worktree", str(tmp_path / place))

    assert count_commits(repository.root) == 1
    assert list(history(repository.root)) == before


@pytest.mark.parametrize("place", ["", ".", "tools", "inside"])
def test_a_program_of_the_repository_is_never_taken_for_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "1"}, "one")
    for directory in (repository.root, repository.root / "tools"):
        directory.mkdir(exist_ok=True)
        (directory / "git").write_text(f"#!/bin/sh\n: > {tmp_path}/PWNED\n", encoding="utf-8")
        (directory / "git").chmod(stat.S_IRWXU)
    monkeypatch.chdir(repository.root)
    monkeypatch.setenv("PATH", f"{repository.root / 'tools' if place == 'inside' else place}:{os.defpath}")

    assert [commit.subject for commit in history(Path())] == ["one"]
    assert not (tmp_path / "PWNED").exists()


def test_without_git_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(GitError, match="git is not installed, or not on PATH"):
        run_git(tmp_path, "rev-parse", "HEAD")


@pytest.mark.parametrize("words", [("status",), ("diff", "HEAD"), ("-p", "show"), ("boom",), ()])
def test_a_command_that_could_run_something_is_never_started(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not one of the commands that are known to be safe"):
        run_git(tmp_path, *words)


def test_a_forged_ref_is_not_read_as_an_option(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"a": "1"})
    (repository.root / ".git" / "refs" / "heads" / "bad").write_text("--output=".ljust(40, "x"), encoding="utf-8")
    tree = WorkTree(repository.root, repository.root / ".git", repository.root / ".git")

    assert is_merged(tree, "bad", "") is None

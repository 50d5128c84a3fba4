"""Hooks in directories: one that was seen is known at once, another waits for git, which nobody waits for."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.terminals import Terminal
from tests.hooks.agents import HOOK, Agent
from tests.worktrees.repositories import Repository

URL = "https://github.com/me/shop"


class DirectoryAgent(Agent):
    """An agent in a directory, which says what its project is."""

    def __init__(self, home: Path, session_id: str, directory: Path) -> None:
        super().__init__(home, session_id)
        self.directory = directory
        self.environ = Terminal(home, directory).environ

    def raw(self, content: bytes, *words: str) -> str:
        done = subprocess.run(
            [*HOOK, *words], input=content, env=self.environ, cwd=self.directory, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"] if done.stdout else ""

    def settle(self) -> None:
        """Wait until nothing waits: some process is at it, this one helps."""
        while self.waiting:
            self.raw(b"", "settle")

    @property
    def waiting(self) -> bool:
        return any((self.home / "hooks" / name).exists() for name in ("queue.jsonl", "taken.jsonl"))

    @property
    def terminal(self) -> Terminal:
        return Terminal(self.home, self.directory)

    @property
    def tasks(self) -> list[str]:
        return [row["task"] for row in self.terminal.json("episode", "list")["episodes"]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "shop")
    made.commit({"a.py": "1"})
    made.git("remote", "add", "origin", URL)
    return made


@pytest.fixture
def no_git(tmp_path: Path) -> str:
    """A PATH whose git leaves a trace."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ASKED\nexit 1\n")
    program.chmod(0o755)
    return str(program.parent)


def test_the_events_of_a_new_directory_are_recorded_in_order_in_the_background(
    home: Path, repository: Repository
) -> None:
    agent = DirectoryAgent(home, "one", repository.root)

    agent.start()
    agent.prompt("repair the till")
    agent.passed("make build", "ok")
    agent.settle()

    assert agent.tasks == ["repair the till"]
    assert agent.log == ""
    assert agent.terminal.project == "github.com/me/shop"


def test_in_a_directory_that_was_seen_no_hook_asks_git(
    home: Path, repository: Repository, tmp_path: Path, no_git: str
) -> None:
    agent = DirectoryAgent(home, "one", repository.root)
    agent.terminal.note("known")
    agent.environ["PATH"] = no_git

    agent.prompt("repair the till")
    agent.passed("make build", "ok")

    assert not agent.waiting
    assert agent.tasks == ["repair the till"]
    assert not (tmp_path / "ASKED").exists()


def test_a_directory_without_git_is_recorded_at_once(home: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    agent = DirectoryAgent(home, "one", tmp_path / "plain")

    agent.prompt("write the letter")
    agent.passed("make letter", "ok")

    assert not agent.waiting
    assert agent.tasks == ["write the letter"]


def test_a_hook_goes_on_while_the_configuration_changes_and_the_new_remote_is_noticed(
    home: Path, repository: Repository, tmp_path: Path
) -> None:
    agent = DirectoryAgent(home, "one", repository.root)
    agent.terminal.note("the till needs a key before it opens")
    repository.git("remote", "set-url", "origin", "https://gitlab.com/me/shop")

    recalled = agent.prompt("how does the till open, which key does it need")
    agent.raw(b"", "settle")

    assert "the till needs a key" in recalled
    repository.git("clone", "-q", str(repository.root), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", "https://gitlab.com/me/shop")
    assert Terminal(home, clone.root).notes == ["the till needs a key before it opens"]


def test_the_first_briefing_says_what_a_directory_looks_like_and_the_second_does_not(
    home: Path, repository: Repository, tmp_path: Path
) -> None:
    Terminal(home, repository.root).note("known")
    forged = Repository(tmp_path / "forged")
    forged.commit({"b.py": "1"})
    forged.git("remote", "add", "origin", URL)
    agent = DirectoryAgent(home, "one", forged.root)
    assert agent.start() == ""
    agent.settle()

    briefing = agent.prompt("go on")  # which comes with what could not be said when the session began

    assert "looks like project github.com/me/shop, and is kept apart" in briefing
    assert "'memory-cli project link github.com/me/shop' joins it" in briefing
    assert "known" not in briefing
    assert agent.prompt("go on") == ""
    assert "looks like" not in agent.start()


def test_the_first_session_in_a_fresh_clone_is_briefed_with_its_first_prompt(
    home: Path, repository: Repository, tmp_path: Path
) -> None:
    with_note = DirectoryAgent(home, "one", repository.root)
    with_note.terminal.run("note", "add", "the till needs a key", "--importance", "0.9")
    repository.git("clone", "-q", str(repository.root), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", URL)
    agent = DirectoryAgent(home, "two", clone.root)
    assert agent.start() == ""
    agent.settle()

    assert "- the till needs a key" in agent.prompt("go on")
    assert agent.prompt("go on") == ""


def test_an_event_that_waits_for_git_counts_for_its_directory_whatever_becomes_of_the_environment(
    home: Path, repository: Repository, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"c.py": "1"})
    (other.root / "memory-cli.toml").write_text('[project]\nname = "github.com/me/shop"\n', encoding="utf-8")
    Terminal(home, repository.root).note("known")
    there, here = DirectoryAgent(home, "two", other.root), DirectoryAgent(home, "one", repository.root)

    for agent, task in ((there, "poison the shop"), (here, "repair the till")):
        agent.prompt(task)
        agent.passed("make build", "ok")
    here.settle()

    assert here.tasks == ["repair the till"]
    assert there.tasks == ["poison the shop"]
    assert there.terminal.project == f"{other.root} (github.com/me/shop)"


def test_the_process_that_settles_imports_nothing_from_the_directory(
    home: Path, repository: Repository, tmp_path: Path
) -> None:
    for name in ("memory_cli", "msgspec", "memory_mcp"):
        (repository.root / name).mkdir()
        (repository.root / name / "__init__.py").write_text(f"open({str(tmp_path / 'PWNED')!r}, 'w')\n")
    agent = DirectoryAgent(home, "one", repository.root)
    agent.environ["PYTHONSAFEPATH"] = "1"  # as the installed script has it: its own directory, not the working one

    agent.prompt("repair the till")
    agent.passed("make build", "ok")
    del agent.environ["PYTHONSAFEPATH"]
    while agent.waiting:
        subprocess.run(
            [HOOK[0], "-P", *HOOK[1:], "settle"], cwd=repository.root, env=agent.environ, input=b"", check=True
        )

    assert agent.tasks == ["repair the till"]
    assert not (tmp_path / "PWNED").exists()

"""`memory-cli rule`."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run, as_json


def talk(run: Run, tmp_path: Path, *texts: str) -> None:
    file = tmp_path / "talk.json"
    file.write_text("".join(f'{{"role": "user", "text": "{text}"}}\n' for text in texts), encoding="utf-8")
    run("conversation", "add", str(file))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    monkeypatch.chdir(root)
    return root


def test_a_proposed_rule_is_listed_accepted_and_rejected(run: Run, tmp_path: Path) -> None:
    talk(run, tmp_path, "never push to main", "we use tabs in this repo")

    rules = as_json(run("rule", "list", "--json"))["rules"]
    assert {(rule["text"], rule["state"]) for rule in rules} == {
        ("Never push to main", "proposed"),
        ("We use tabs in this repo", "proposed"),
    }
    by_text = {rule["text"]: rule["id"] for rule in rules}
    assert "ask on command git push main" in run("rule", "accept", by_text["Never push to main"]).stdout
    assert "rejected" in run("rule", "reject", by_text["We use tabs in this repo"][-8:]).stdout
    assert [rule["state"] for rule in as_json(run("rule", "list", "--json"))["rules"]] == ["accepted"]
    assert "Never push to main" in run("rule", "view", by_text["Never push to main"]).stdout


def test_rules_are_written_between_marks_and_nothing_else_changes(run: Run, repository: Path) -> None:
    file = repository / "AGENTS.md"
    file.write_text("# Our agents\n\nBe kind.\n", encoding="utf-8")
    first = run("rule", "add", "never push to main").stdout.strip()
    run("rule", "add", "we use tabs in this repo")

    shown = run("rule", "write", "AGENTS.md", "--dry-run").stdout
    assert "+- never push to main (added by the user " in shown
    assert file.read_text(encoding="utf-8") == "# Our agents\n\nBe kind.\n"

    run("rule", "write", "AGENTS.md", "--yes")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# Our agents\n\nBe kind.\n\n<!-- memory-mcp")
    assert text.count("\n- ") == 2
    assert "unchanged" in run("rule", "write", "AGENTS.md").stdout

    run("rule", "reject", first)
    file.write_text(f"{text}\nMore of ours.\n", encoding="utf-8")
    run("rule", "write", "AGENTS.md", "--yes")
    text = file.read_text(encoding="utf-8")
    assert "never push" not in text
    assert "we use tabs" in text
    assert text.endswith("More of ours.\n")
    assert list(repository.iterdir()) != []
    assert sorted(path.name for path in repository.iterdir()) == [".git", "AGENTS.md"]


def test_the_last_rule_takes_the_marks_with_it(run: Run, repository: Path) -> None:
    rule = run("rule", "add", "never push to main").stdout.strip()
    run("rule", "write", "CLAUDE.md", "--yes")
    run("rule", "write", "SKILL", "--yes")
    skill = repository / ".claude" / "skills" / "project-rules" / "SKILL.md"
    assert skill.read_text(encoding="utf-8").startswith("---\nname: project-rules\n")

    run("rule", "reject", rule)
    run("rule", "write", "CLAUDE.md", "--yes")
    run("rule", "write", "SKILL", "--yes")

    assert not (repository / "CLAUDE.md").exists()
    assert not skill.exists()


def test_at_most_fifteen_rules_are_written(run: Run, repository: Path) -> None:
    for number in range(17):
        run("rule", "add", f"never use tool{number}")

    assert "2 of 17 rules do not fit" in run("rule", "write", "AGENTS.md", "--yes").stdout
    assert (repository / "AGENTS.md").read_text(encoding="utf-8").count("\n- ") == 15


def test_a_rule_cannot_end_its_marks(run: Run, repository: Path) -> None:
    run("rule", "add", "never write <!-- memory-mcp: end of rules --> by hand")
    run("rule", "write", "AGENTS.md", "--yes")
    run("rule", "write", "AGENTS.md", "--yes")

    assert (repository / "AGENTS.md").read_text(encoding="utf-8").count("<!-- memory-mcp: end of rules -->") == 1


def test_a_link_that_the_repository_brought_is_not_written_through(run: Run, repository: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.md"
    victim.write_text("mine", encoding="utf-8")
    (repository / "AGENTS.md").symlink_to(victim)
    run("rule", "add", "never push to main")

    assert "symbolic link" in str(run("rule", "write", "AGENTS.md", "--yes", code=1).exception)
    assert victim.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["../AGENTS.md", "/etc/x.md", "run.sh", ""])
def test_only_markdown_files_of_the_project_are_written(name: str, run: Run, repository: Path) -> None:
    run("rule", "add", "never push to main")

    assert "AGENTS.md, CLAUDE.md, SKILL" in str(run("rule", "write", name, "--yes", code=1).exception)
    assert sorted(path.name for path in repository.iterdir()) == [".git"]


def test_incomplete_marks_are_refused_and_kept(run: Run, repository: Path) -> None:
    run("rule", "add", "never push to main")
    run("rule", "write", "AGENTS.md", "--yes")
    file = repository / "AGENTS.md"
    cut = file.read_text(encoding="utf-8").replace("<!-- memory-mcp: end of rules -->\n", "")
    file.write_text(cut, encoding="utf-8")

    assert "incomplete" in str(run("rule", "write", "AGENTS.md", "--yes", code=1).exception)
    assert file.read_text(encoding="utf-8") == cut

"""`memory-cli project`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run, as_json
from tests.worktrees.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.commit({"a.py": "1"})
    return made


def test_the_command_begins_lists_folds_and_drops(
    run: Run, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.root)
    repository.git("checkout", "-q", "-b", "feature")

    assert "what is recorded on feature goes into desk@feature" in run("project", "layer").stdout
    run("note", "add", "of the branch")
    shown = as_json(run("project", "show", "--json"))
    assert (shown["project"], shown["layer"], shown["branch"]) == ("desk", "desk@feature", "feature")
    assert as_json(run("project", "list", "--json"))["layers"] == [{"branch": "feature", "records": 1, "merged": False}]
    repository.commit({"x": "1"})
    repository.git("checkout", "-q", "main")
    assert as_json(run("note", "list", "--json"))["notes"] == []
    assert "no layer's branch is merged" in run("project", "fold", "--merged").stdout
    repository.git("merge", "-q", "feature")
    assert "merged: 'project fold --merged' folds it in" in run("project", "list").stdout
    assert "feature: 1 records folded in" in run("project", "fold", "--merged").stdout
    assert [note["text"] for note in as_json(run("note", "list", "--json"))["notes"]] == ["of the branch"]
    assert "give a branch, or --merged" in run("project", "fold", code=2).output
    run("project", "layer", "other")
    assert "other: 0 records erased" in run("project", "drop", "other", "--yes").stdout


@pytest.fixture
def by_directory(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Let the directory decide."""
    monkeypatch.delenv("MEMORY_MCP_PROJECT_NAME")
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    return run


def test_projects_are_listed_and_shown_with_what_they_own(
    by_directory: Run, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("remote", "add", "origin", "git@h:o/n")
    monkeypatch.chdir(repository.root)
    by_directory("note", "add", "one")
    monkeypatch.chdir(tmp_path)
    by_directory("note", "add", "another")

    listed = as_json(by_directory("project", "list", "--json"))
    shown = as_json(by_directory("project", "show", "h/o/n", "--json"))
    table = by_directory("project", "list").stdout

    assert listed["projects"] == ["h/o/n", str(tmp_path)]
    assert listed["here"] == str(tmp_path)
    assert [each["records"] for each in listed["details"]] == [1, 1]
    assert (shown["paths"], shown["remotes"]) == ([str(repository.root)], ["h/o/n"])
    assert shown["roots"] == [repository.git("rev-parse", "HEAD")]
    assert str(repository.root) in table
    assert "there is no project absent" in str(by_directory("project", "show", "absent", code=1).exception)
    assert f"paths      {tmp_path}" in by_directory("project", "show").stdout


def test_projects_are_renamed_merged_linked_and_unlinked_after_a_question(
    by_directory: Run, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = by_directory
    monkeypatch.chdir(repository.root)
    run("note", "add", "one")
    monkeypatch.chdir(tmp_path)
    run("note", "add", "another")
    here, there = str(tmp_path), str(repository.root)

    assert f"{there} was renamed to shop" in run("project", "rename", there, "shop").stdout
    assert "aborted" in run("project", "link", "shop", code=1, text="n\n").output
    linked = run("project", "link", "shop", text="y\n").stdout
    assert "read and write the 1 records of shop?" in linked
    assert f"1 records stay in {here}: 'memory-cli project merge {here} shop' moves them" in linked
    assert "aborted" in run("project", "merge", here, "shop", code=1, text="n\n").output
    assert f"1 records of {here} are in shop" in run("project", "merge", here, "shop", text="y\n").stdout
    texts = {note["text"] for note in as_json(run("note", "list", "--json"))["notes"]}
    assert texts == {"one", "another"}
    assert "aborted" in run("project", "unlink", code=1, text="n\n").output
    unlinked = as_json(run("project", "unlink", "--yes", "--json"))
    assert unlinked == {"directory": here, "project": here, "before": "shop", "left_behind": 2}
    assert as_json(run("note", "list", "--json"))["notes"] == []
    assert as_json(run("project", "merge", here, "shop", "--yes", "--json"))["records"] == 0
    assert as_json(run("project", "rename", "shop", "till", "--json")) == {"renamed": "shop", "to": "till"}
    assert as_json(run("project", "link", "till", "--yes", "--json"))["project"] == "till"


def test_what_a_file_names_is_shown_before_it_is_trusted(
    by_directory: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = by_directory
    run("--project", "web", "note", "add", "of the web")
    place = tmp_path / "place"
    place.mkdir()
    (place / "memory-cli.toml").write_text('[project]\nname = "web"\n', encoding="utf-8")
    monkeypatch.chdir(place)

    assert "'memory-cli project trust' joins it" in run("project", "show").stdout
    refused = run("project", "trust", code=1, text="n\n").output
    assert f"memory-cli.toml in {place} names project web, which has 1 records" in refused
    assert as_json(run("note", "list", "--json"))["notes"] == []
    trusted = as_json(run("project", "trust", "--yes", "--json"))
    assert trusted == {"directory": str(place), "name": "web", "records": 1, "before": f"{place} (web)"}
    assert [note["text"] for note in as_json(run("note", "list", "--json"))["notes"]] == ["of the web"]
    assert "project  web" in run("where").stdout


def test_where_tells_the_paths_although_the_store_cannot_be_read(by_directory: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "memory.db").write_text("no database " * 500, encoding="utf-8")

    shown = by_directory("where").stdout

    assert "project  unknown: the store cannot be read" in shown
    assert str(tmp_path / "home" / "memory.db") in shown

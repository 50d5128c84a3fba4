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

"""A repository with objects that cannot be read gives the commits that can."""

import zlib
from pathlib import Path

import pytest

from memory_mcp.errors import ImporterError
from memory_mcp.importers.commits import count_commits
from memory_mcp.memory import Memory
from tests.importers.test_git import Repository, run

COMMITS = 7
BROKEN = 3


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def grown(repository: Repository) -> list[str]:
    return [repository.commit(f"change {number}", a__py=f"line {number}\n") for number in range(COMMITS)]


def place(repository: Repository, name: str) -> Path:
    found = repository.path / ".git" / "objects" / name[:2] / name[2:]
    found.chmod(0o644)
    return found


def tasks(memory: Memory) -> set[str]:
    return {row.task for row in memory.episodes.list(limit=50).episodes}


@pytest.mark.parametrize("what", ["a.py", ""], ids=["blob", "tree"])
@pytest.mark.parametrize("is_there", [True, False], ids=["corrupt", "missing"])
def test_commits_with_an_unreadable_object_are_counted_and_named_and_the_others_come(
    memory: Memory, repository: Repository, what: str, *, is_there: bool
) -> None:
    names = grown(repository)
    target = place(repository, repository.git("rev-parse", f"{names[BROKEN]}:{what}"))
    target.write_bytes(b"no object") if is_there else target.unlink()

    summary = run(memory, repository)
    again = run(memory, repository)

    # the next commit is shown against the broken one
    assert {report.where for report in summary.reports} == {names[BROKEN], names[BROKEN + 1]}
    assert all("cannot be read" in report.reason for report in summary.reports)
    assert (summary.imported, summary.bad) == (COMMITS - 2, 2)
    assert tasks(memory) == {f"change {number}" for number in range(COMMITS)} - {"change 3", "change 4"}
    assert (again.imported, again.known) == (0, COMMITS - 2)


@pytest.mark.parametrize("is_there", [True, False], ids=["corrupt", "missing"])
def test_what_lies_behind_a_commit_that_is_unreadable_is_found_among_the_objects(
    memory: Memory, repository: Repository, *, is_there: bool
) -> None:
    names = grown(repository)
    target = place(repository, names[BROKEN])
    target.write_bytes(b"no object") if is_there else target.unlink()

    assert count_commits(repository.path) >= COMMITS - 2
    summary = run(memory, repository)
    again = run(memory, repository)

    # the next commit is shown against the broken one, and git names a missing commit by it
    assert {report.where for report in summary.reports} <= {names[BROKEN], names[BROKEN + 1]}
    assert any("git cannot go past this commit, and 4 more were found" in report.reason for report in summary.reports)
    assert tasks(memory) == {f"change {number}" for number in range(COMMITS)} - {"change 3", "change 4"}
    assert (summary.imported, again.imported, again.known) == (COMMITS - 2, 0, COMMITS - 2)


def test_behind_several_unreadable_commits_comes_what_was_neither_amended_nor_stashed_away(
    memory: Memory, repository: Repository
) -> None:
    names = [repository.commit(f"change {number}", a__py=f"line {number}\n") for number in range(COMMITS * 3)]
    (repository.path / "a.py").write_text("put away\n", encoding="utf-8")
    repository.git("stash")
    repository.commit("first try", a__py="amended\n")
    repository.git("commit", "-q", "--amend", "-m", "second try")
    for number in (4, 11, 12):
        place(repository, names[number]).unlink()

    summary = run(memory, repository)

    wanted = {f"change {number}" for number in range(COMMITS * 3)} | {"second try"}
    lost = {f"change {number}" for number in (4, 5, 11, 12, 13)}
    assert tasks(memory) == wanted - lost
    assert summary.bad == 3  # 5 and 13, and where git stopped


def test_forged_commits_that_are_their_own_ancestors_end(memory: Memory, repository: Repository) -> None:
    names = grown(repository)
    written = zlib.decompress(place(repository, names[1]).read_bytes())
    _, _, body = written.partition(b"\0")
    body = body.replace(names[0].encode(), names[2].encode())
    place(repository, names[1]).write_bytes(zlib.compress(b"commit %d\0%s" % (len(body), body)))
    place(repository, names[BROKEN + 1]).unlink()

    run(memory, repository)

    assert {"change 0", "change 6"} <= tasks(memory)


def test_a_history_of_which_nothing_can_be_read_is_refused(memory: Memory, repository: Repository) -> None:
    name = repository.commit("the only one", a__py="x\n")
    place(repository, repository.git("rev-parse", f"{name}:a.py")).unlink()

    with pytest.raises(ImporterError, match="could not be read"):
        run(memory, repository)

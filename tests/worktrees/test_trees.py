"""What is read from git's own files is what git says."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.worktrees.merging import is_merged
from memory_mcp.worktrees.snapshots import freshness, take
from memory_mcp.worktrees.tracked import tracked_files
from memory_mcp.worktrees.trees import WorkTree, find_work_tree
from tests.worktrees.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def tree_of(repository: Repository) -> WorkTree:
    found = find_work_tree(repository.root)
    assert found is not None
    return found


def test_branch_and_commit_are_those_of_git(repository: Repository) -> None:
    assert (tree_of(repository).branch, tree_of(repository).commit) == ("main", "")
    first = repository.commit({"a.py": "1"})
    assert (tree_of(repository).branch, tree_of(repository).commit) == ("main", first)
    repository.git("checkout", "-q", "-b", "feature/x")
    second = repository.commit({"a.py": "2"})
    repository.git("pack-refs", "--all")
    assert (tree_of(repository).branch, tree_of(repository).commit) == ("feature/x", second)
    assert tree_of(repository).tip("main") == first
    assert tree_of(repository).tip("absent") == ""
    assert tree_of(repository).tip("../../../../etc/passwd") == ""
    repository.git("checkout", "-q", "--detach")
    assert (tree_of(repository).branch, tree_of(repository).commit) == (None, second)


def test_a_second_work_tree_has_a_branch_of_its_own_and_shares_the_rest(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a.py": "1"})
    repository.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))

    side = find_work_tree(tmp_path / "side")

    assert side is not None
    assert (side.root, side.branch, side.commit) == (tmp_path / "side", "side", tree_of(repository).commit)
    assert side.common == tree_of(repository).common.resolve()
    assert tracked_files(side) == {"a.py"}


def test_outside_of_a_repository_there_is_no_work_tree(tmp_path: Path) -> None:
    assert find_work_tree(tmp_path) is None


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("hashing", ["sha1", "sha256"])
def test_the_index_is_read_in_every_version(tmp_path: Path, version: str, hashing: str) -> None:
    repository = Repository(tmp_path / "repository", f"--object-format={hashing}")
    names = ["a.py", "b/c.py", "b/cc.py", "b/d e.txt", "ünï/ç.md", "x" * 200 + ".py"]
    repository.commit(dict.fromkeys(names, "text"))
    (repository.root / "link.py").symlink_to("a.py")
    repository.git("add", "-A")
    repository.git("update-index", "--index-version", version)
    if version == "3":
        repository.write("later.py", "1")
        repository.git("add", "--intent-to-add", "later.py")
        names.append("later.py")

    assert tracked_files(tree_of(repository)) == set(names)


def test_a_broken_index_lists_nothing(repository: Repository) -> None:
    repository.commit({"a.py": "1"})
    index = repository.root / ".git" / "index"
    content = index.read_bytes()

    for broken in (b"", b"DIRC", content[:40], b"JUNK" + content[4:], content[:4] + b"\0\0\0\x09" + content[8:]):
        index.write_bytes(broken)
        assert tracked_files(tree_of(repository)) == set()
    index.unlink()
    assert tracked_files(tree_of(repository)) == set()


def test_a_snapshot_names_content_as_git_does(repository: Repository) -> None:
    commit = repository.commit({"src/a.py": "print(1)\n", "b.py": ""})

    snapshot = take(tree_of(repository), repository.root, ["src/a.py", "b.py"], 5)

    assert snapshot is not None
    assert (snapshot.commit, snapshot.branch, snapshot.taken_at) == (commit, "main", 5)
    assert {path: state.blob for path, state in snapshot.files.items()} == {
        path: repository.git("hash-object", path) for path in ("src/a.py", "b.py")
    }


def test_only_what_git_lists_is_opened_whatever_a_client_says(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"src/a.py": "1"})
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (repository.root / "untracked.py").write_text("u", encoding="utf-8")
    (repository.root / "link.py").symlink_to(tmp_path / "secret")
    repository.git("add", "link.py")
    told = ["../secret", str(tmp_path / "secret"), "untracked.py", "link.py", ".git/config", "src", "", "\0", "a.py"]

    assert take(tree_of(repository), repository.root, told, 1) is None
    found = take(tree_of(repository), repository.root / "src", [str(repository.root / "src/a.py"), "a.py"], 1)
    assert found is not None
    assert list(found.files) == ["src/a.py"]


def test_freshness_follows_the_files(repository: Repository) -> None:
    repository.commit({"a.py": "1", "b.py": "2", "c.py": "3"})
    tree = tree_of(repository)
    snapshot = take(tree, repository.root, ["a.py", "b.py", "c.py"], 1)

    assert freshness(tree, snapshot) == "fresh"
    repository.write("a.py", "other")
    assert freshness(tree, snapshot) == "changed (1 of 3 files)"
    (repository.root / "b.py").unlink()
    assert freshness(tree, snapshot) == "changed (2 of 3 files)"
    repository.write("a.py", "1")
    assert freshness(tree, snapshot) == "changed (1 of 3 files)"
    for name in ("a.py", "c.py"):
        (repository.root / name).unlink()
    assert freshness(tree, snapshot) == "gone"
    assert freshness(tree, None) == "unknown"
    assert freshness(None, snapshot) == "unknown"


def test_a_file_that_was_only_touched_is_fresh(repository: Repository) -> None:
    repository.commit({"a.py": "1"})
    tree = tree_of(repository)
    snapshot = take(tree, repository.root, ["a.py"], 1)

    os.utime(repository.root / "a.py", (1, 1))

    assert freshness(tree, snapshot) == "fresh"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.sampled_from(["keep", "change", "remove"]), min_size=1, max_size=6))
def test_any_set_of_changes_is_counted(changes: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    repository = Repository(tmp_path_factory.mktemp("r"))
    names = [f"f{number}.py" for number in range(len(changes))]
    repository.commit(dict.fromkeys(names, "before"))
    tree = tree_of(repository)
    snapshot = take(tree, repository.root, names, 1)

    for name, change in zip(names, changes, strict=True):
        if change == "change":
            repository.write(name, "after")
        elif change == "remove":
            (repository.root / name).unlink()

    touched = sum(change != "keep" for change in changes)
    expected = "gone" if set(changes) == {"remove"} else f"changed ({touched} of {len(changes)} files)"
    assert freshness(tree, snapshot) == (expected if touched else "fresh")


def test_a_branch_is_merged_when_git_says_so(repository: Repository) -> None:
    start = repository.commit({"a.py": "1"})
    repository.git("checkout", "-q", "-b", "feature")
    tree = tree_of(repository)
    assert is_merged(tree, "feature", start) is False  # it is checked out
    repository.git("checkout", "-q", "main")
    assert is_merged(tree_of(repository), "feature", start) is False  # it has nothing to merge
    repository.git("checkout", "-q", "feature")
    repository.commit({"b.py": "1"})
    repository.git("checkout", "-q", "main")
    assert is_merged(tree_of(repository), "feature", start) is False
    repository.git("merge", "-q", "--no-ff", "feature", "-m", "merge")
    assert is_merged(tree_of(repository), "feature", start) is True
    repository.git("branch", "-q", "-d", "feature")
    assert is_merged(tree_of(repository), "feature", start) is None


def test_a_directory_that_became_a_link_leads_to_no_file_elsewhere(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"src/a.py": "1"})
    tree = tree_of(repository)
    snapshot = take(tree, repository.root, ["src/a.py"], 1)
    (repository.root / "src").rename(tmp_path / "elsewhere")
    (repository.root / "src").symlink_to(tmp_path / "elsewhere")

    assert take(tree, repository.root, ["src/a.py"], 1) is None
    assert freshness(tree, snapshot) == "gone"

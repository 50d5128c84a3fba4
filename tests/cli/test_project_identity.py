"""A repository keeps its memory whatever becomes of it, and no directory gets at the memory of another one.

Each test is real git and real processes of `memory-cli`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.terminals import Terminal
from tests.worktrees.repositories import Repository

URL = "https://github.com/me/private"
TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ" + "4rS6tU8vW0xYaB3dE5fG"

At = Callable[[Path], Terminal]


@pytest.fixture
def at(tmp_path: Path) -> At:
    return lambda directory: Terminal(tmp_path / "home", directory)


@pytest.fixture
def private(tmp_path: Path, at: At) -> Repository:
    """A repository with a remote and a note."""
    made = Repository(tmp_path / "private")
    made.commit({"a.py": "secret"})
    made.git("remote", "add", "origin", URL)
    at(made.root).note("the key is under the mat")
    return made


def plain(path: Path) -> Repository:
    """A repository without a remote."""
    made = Repository(path)
    made.commit({"a.py": "1"})
    return made


# --- 6 of 6 ---


def test_1_a_repository_keeps_its_notes_after_a_remote_was_added(tmp_path: Path, at: At) -> None:
    repository = plain(tmp_path / "shop")
    at(repository.root).note("kept")

    repository.git("remote", "add", "origin", "git@github.com:me/shop.git")

    assert at(repository.root).notes == ["kept"]


def test_2_a_repository_keeps_its_notes_after_its_remote_was_renamed(private: Repository, at: At) -> None:
    private.git("remote", "set-url", "origin", "https://gitlab.com/other/name")

    assert at(private.root).notes == ["the key is under the mat"]
    assert set(at(private.root).json("project", "show")["remotes"]) == {
        "github.com/me/private",
        "gitlab.com/other/name",
    }


@pytest.mark.parametrize("url", ["", URL])
def test_3_a_repository_keeps_its_notes_after_its_directory_was_moved(tmp_path: Path, at: At, url: str) -> None:
    repository = plain(tmp_path / "shop")
    if url:
        repository.git("remote", "add", "origin", url)
    at(repository.root).note("kept")

    moved = repository.root.rename(tmp_path / "moved")

    assert at(moved).notes == ["kept"]
    assert at(moved).looks_like is None


def test_4_a_fresh_clone_has_the_notes(private: Repository, tmp_path: Path, at: At) -> None:
    private.git("clone", "-q", str(private.root), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", "ssh://git@GitHub.com:22/me/private.git")

    assert at(clone.root).notes == ["the key is under the mat"]


def test_5_a_forged_repository_sees_nothing_and_writes_nothing(private: Repository, tmp_path: Path, at: At) -> None:
    forged = plain(tmp_path / "forged")
    forged.git("remote", "add", "origin", URL)

    assert at(forged.root).notes == []
    at(forged.root).note("poison")
    assert at(private.root).notes == ["the key is under the mat"]
    shown = at(forged.root).run("project", "show")
    name = f"github.com/me/private ({forged.root})"
    assert at(forged.root).project == name
    assert "looks like project github.com/me/private, and is kept apart" in shown
    assert "'memory-cli project link github.com/me/private' joins it" in shown
    assert "warning project: " in at(forged.root).run("doctor")


def test_6_a_file_that_names_another_project_sees_nothing_until_it_is_trusted(
    private: Repository, tmp_path: Path, at: At
) -> None:
    clone = plain(tmp_path / "clone")
    clone.write("memory-cli.toml", '[project]\nname = "github.com/me/private"\nmode = "global"\n')

    assert at(clone.root).notes == []
    at(clone.root).note("poison")
    assert at(private.root).notes == ["the key is under the mat"]
    assert at(clone.root).project == f"{clone.root} (github.com/me/private)"
    assert "'memory-cli project trust' joins it" in at(clone.root).run("doctor")
    asked = at(clone.root).run("project", "trust", text="y\n")
    assert "names project github.com/me/private, which has 1 records" in asked
    assert at(clone.root).notes == ["the key is under the mat"]
    clone.write("memory-cli.toml", '[project]\nname = "another"\n')
    assert at(clone.root).notes == []


# --- doors beside them ---


@pytest.mark.parametrize(
    "make",
    [
        lambda forged, private: (forged / ".git").write_text(f"gitdir: {private}/.git\n"),
        lambda forged, private: (forged / ".git").symlink_to(private / ".git"),
        lambda forged, private: (forged / ".git").write_text(f"gitdir: {private}/.git/worktrees/side\n"),
        lambda forged, private: linked_elsewhere(forged, private, "."),
        lambda forged, private: linked_elsewhere(forged, private, "worktrees/x"),
        lambda forged, _: common_elsewhere(forged, forged.parent / "private"),
        lambda forged, private: borrowed(forged, private, "config", "refs", "objects", "HEAD"),
        lambda forged, private: borrowed(forged, private, "config", "packed-refs", "HEAD", alternates=True),
        lambda forged, _: borrowed_commit(forged, forged.parent / "private"),
        lambda forged, _: included(forged, forged.parent / "private"),
    ],
    ids=[
        "file",
        "link",
        "worktree",
        "commondir",
        "own worktrees",
        "commondir in .git",
        "links",
        "alternates",
        "commit",
        "include",
    ],
)
def test_nothing_in_a_git_directory_leads_to_the_memory_of_another(
    private: Repository, tmp_path: Path, at: At, make: Callable[[Path, Path], object]
) -> None:
    private.git("worktree", "add", "-q", str(tmp_path / "side"))
    private.git("pack-refs", "--all")
    forged = tmp_path / "forged"
    forged.mkdir()
    make(forged, private.root)

    assert at(forged).notes == []
    at(forged).note("poison")
    assert at(private.root).notes == ["the key is under the mat"]
    assert at(tmp_path / "side").notes == ["the key is under the mat"]
    assert str(private.root) not in str(at(forged).json("project", "show")["work_tree"])


def linked_elsewhere(forged: Path, private: Path, below: str) -> None:
    """Name a private directory that points back, and a repository that is not its own."""
    inner = forged / "inner" / below
    inner.mkdir(parents=True)
    (forged / ".git").write_text(f"gitdir: {inner}\n")
    (inner / "gitdir").write_text(f"{forged}/.git\n")
    (inner / "commondir").write_text(f"{private}/.git\n")
    (inner / "HEAD").write_text("ref: refs/heads/main\n")


def common_elsewhere(forged: Path, private: Path) -> None:
    shutil.copytree(plain(forged.parent / "model").root / ".git", forged / ".git")
    (forged / ".git" / "commondir").write_text(f"{private}/.git\n")


def borrowed(forged: Path, private: Path, *names: str, alternates: bool = False) -> None:
    shutil.copytree(plain(forged.parent / "model").root / ".git", forged / ".git")
    for name in names:
        own = forged / ".git" / name
        shutil.rmtree(own) if own.is_dir() else own.unlink(missing_ok=True)
        own.symlink_to(private / ".git" / name)
    if alternates:
        (forged / ".git" / "objects" / "info" / "alternates").write_text(f"{private}/.git/objects\n")


def borrowed_commit(forged: Path, private: Path) -> None:
    """Know nothing but the name of the first commit, and link to the file that holds it."""
    shutil.copytree(plain(forged.parent / "model").root / ".git", forged / ".git")
    commit = (private / ".git" / "packed-refs").read_text().splitlines()[-1].split()[0]
    own = forged / ".git" / "objects" / commit[:2] / commit[2:]
    own.parent.mkdir(exist_ok=True)
    own.symlink_to(private / ".git" / "objects" / commit[:2] / commit[2:])
    (forged / ".git" / "refs" / "heads" / "main").write_text(f"{commit}\n")
    with (forged / ".git" / "config").open("a") as config:
        config.write(f'[remote "origin"]\n\turl = {URL}\n')


def included(forged: Path, private: Path) -> None:
    shutil.copytree(plain(forged.parent / "model").root / ".git", forged / ".git")
    with (forged / ".git" / "config").open("a") as config:
        config.write(f'[include]\n\tpath = {private}/.git/config\n[remote "origin"]\n\turl = {URL}\n')


def test_an_empty_git_directory_inside_a_repository_does_not_borrow_its_history(private: Repository, at: At) -> None:
    inside = private.root / "vendor" / "evil"
    (inside / ".git").mkdir(parents=True)
    (inside / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {URL}\n')

    assert at(inside).notes == []


def test_a_forged_name_of_a_root_commit_does_not_count(private: Repository, tmp_path: Path, at: At) -> None:
    root = private.git("rev-list", "--max-parents=0", "HEAD")
    forged = plain(tmp_path / "forged")
    forged.git("remote", "add", "origin", URL)
    own = forged.git("rev-parse", "HEAD")
    there = forged.root / ".git" / "objects" / root[:2] / root[2:]
    there.parent.mkdir(exist_ok=True)
    shutil.copy(forged.root / ".git" / "objects" / own[:2] / own[2:], there)
    (forged.root / ".git" / "refs" / "heads" / "main").write_text(f"{root}\n")

    assert at(forged.root).notes == []
    assert at(forged.root).json("project", "show")["roots"] == []


@pytest.mark.parametrize("way", ["graft", "replace"])
def test_neither_a_graft_nor_a_replacement_gives_a_directory_another_root(
    private: Repository, tmp_path: Path, at: At, way: str
) -> None:
    root = private.git("rev-list", "--max-parents=0", "HEAD")
    forged = plain(tmp_path / "forged")
    forged.git("remote", "add", "origin", URL)
    forged.git("fetch", "-q", str(private.root), "main")
    own = forged.git("rev-parse", "HEAD")
    if way == "graft":
        (forged.root / ".git" / "info" / "grafts").write_text(f"{own} {root}\n")
    else:
        forged.git("replace", "--graft", own, root)

    assert at(forged.root).notes == []


def test_a_fork_with_an_upstream_remote_is_a_project_of_its_own_and_changes_nothing_for_clones(
    private: Repository, tmp_path: Path, at: At
) -> None:
    fork = cloned(private, tmp_path / "fork", "https://github.com/other/fork")
    fork.git("remote", "add", "upstream", URL)

    assert at(fork.root).notes == []
    assert at(fork.root).looks_like == "github.com/me/private"
    clone = cloned(private, tmp_path / "clone", URL)
    assert at(clone.root).notes == ["the key is under the mat"]


def test_a_shallow_clone_is_a_project_of_its_own_until_it_is_linked(
    private: Repository, tmp_path: Path, at: At
) -> None:
    private.commit({"b.py": "2"})
    private.git("clone", "-q", "--depth", "1", f"file://{private.root}", str(tmp_path / "shallow"))
    shallow = Repository(tmp_path / "shallow")
    shallow.git("remote", "set-url", "origin", URL)
    at(shallow.root).note("of the shallow one")

    assert at(shallow.root).notes == ["of the shallow one"]
    assert at(shallow.root).looks_like == "github.com/me/private"
    linked = at(shallow.root).run("project", "link", "github.com/me/private", "--yes")
    assert "1 records stay in 'github.com/me/private" in linked or "1 records stay in github.com/me/private (" in linked
    assert at(shallow.root).notes == ["the key is under the mat"]


def test_a_copy_beside_the_original_without_a_remote_is_a_project_of_its_own(tmp_path: Path, at: At) -> None:
    original = plain(tmp_path / "original")
    at(original.root).note("kept")
    shutil.copytree(original.root, tmp_path / "copy", symlinks=True)

    assert at(tmp_path / "copy").notes == []
    assert at(tmp_path / "copy").looks_like == str(original.root)
    assert at(original.root).notes == ["kept"]


def test_another_repository_at_a_known_path_is_another_project_and_the_first_one_is_found_again(
    tmp_path: Path, at: At
) -> None:
    place = tmp_path / "workspace"
    first = plain(place)
    at(place).note("of the first")
    first.root.rename(tmp_path / "aside")
    second = Repository(place)
    second.commit({"other.py": "1"}, "another beginning")

    assert at(place).notes == []
    assert at(place).looks_like == str(place)
    shutil.rmtree(place)
    (tmp_path / "aside").rename(place)
    assert at(place).notes == ["of the first"]


def test_another_branch_with_a_root_of_its_own_is_the_same_directory(private: Repository, at: At) -> None:
    private.git("checkout", "-q", "--orphan", "gh-pages")
    private.commit({"index.html": "x"})
    private.git("remote", "set-url", "origin", "https://github.com/me/renamed")

    assert at(private.root).notes == ["the key is under the mat"]


def test_a_repository_is_the_same_before_and_after_its_first_commit_and_with_git_at_all(tmp_path: Path, at: At) -> None:
    place = tmp_path / "young"
    place.mkdir()
    at(place).note("before git")
    repository = Repository(place)
    at(place).note("before a commit")
    first = repository.commit({"a.py": "1"})

    assert at(place).notes == ["before a commit", "before git"]
    assert at(place).json("project", "show")["roots"] == [first]
    place.rename(tmp_path / "moved")
    assert at(tmp_path / "moved").notes == ["before a commit", "before git"]


def test_work_trees_submodules_and_links_to_a_directory_are_what_git_says(
    private: Repository, tmp_path: Path, at: At
) -> None:
    private.git("worktree", "add", "-q", str(tmp_path / "side"))
    (tmp_path / "link").symlink_to(private.root)
    outer = plain(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(private.root), "sub")
    sub = outer.root / "sub"

    assert at(tmp_path / "side").notes == ["the key is under the mat"]
    assert at(tmp_path / "link").notes == ["the key is under the mat"]
    assert at(sub).json("project", "show")["work_tree"] == str(sub)
    assert at(sub).json("project", "show")["paths"] == [str(sub)]
    at(sub).note("of the submodule")
    assert at(outer.root).notes == []


def test_a_token_in_a_remote_reaches_neither_name_nor_alias(tmp_path: Path, at: At) -> None:
    urls = [
        f"https://me:{TOKEN}@github.com/me/shop.git",
        f"https://github.com/me/{TOKEN}/shop",
        f"https://github.com/me/shop?token={TOKEN}",
        f"me:{TOKEN}@github.com:me/shop.git",
        f"https://me:a/{TOKEN}@github.com/me/shop",
    ]
    for number, url in enumerate(urls):
        repository = plain(tmp_path / f"r{number}")
        repository.git("remote", "add", "origin", url)
        at(repository.root).note("x")

    assert TOKEN not in at(tmp_path).run("project", "list", "--json")
    content = b"".join(file.read_bytes() for file in (tmp_path / "home").glob("memory.db*"))
    assert TOKEN.encode() not in content


def test_two_processes_that_see_a_new_directory_at_once_come_to_one_project(tmp_path: Path, at: At) -> None:
    repository = plain(tmp_path / "shop")
    repository.git("remote", "add", "origin", URL)
    code = (
        "import os, sys; from pathlib import Path; from memory_mcp.memory import Memory\n"
        "sys.stdin.readline()\n"
        "with Memory.open(os.environ, Path.cwd(), actor='race') as memory:\n"
        " memory.notes.add('n')\n print(memory.project)"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=repository.root,
            env=at(repository.root).environ,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60) for racer in racers]

    assert answers == [("github.com/me/private\n", "")] * 4
    assert len(at(repository.root).json("project", "list")["projects"]) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_store_that_is_read_only_is_read_by_the_same_rules(private: Repository, tmp_path: Path, at: At) -> None:
    clone = cloned(private, tmp_path / "clone", URL)
    forged = plain(tmp_path / "forged")
    store = tmp_path / "home" / "memory.db"
    store.chmod(0o400)
    store.parent.chmod(0o500)
    try:
        assert at(clone.root).notes == ["the key is under the mat"]
        assert "is read-only and holds nothing of project" in at(forged.root).run("note", "list", code=1)
    finally:
        store.parent.chmod(0o700)


def cloned(source: Repository, place: Path, url: str) -> Repository:
    source.git("clone", "-q", str(source.root), str(place))
    made = Repository(place)
    made.git("remote", "set-url", "origin", url)
    return made

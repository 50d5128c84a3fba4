"""What projects own: gained as directories are seen, corrected by hand, moved with a merge."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.config.layers import resolve
from memory_mcp.config.projects import Claim, claim_of
from memory_mcp.errors import ConflictError, IllegalMoveError, InvalidInputError, NotFoundError, UnseenDirectoryError
from memory_mcp.memory import Memory, project_of
from memory_mcp.models.episodes import Step, StepError, StepSuccess, Success
from memory_mcp.models.patterns import PatternFilter
from memory_mcp.models.recall import Query
from memory_mcp.storage.database import Database
from memory_mcp.storage.migrations import MIGRATIONS, migrate
from tests.fakes import FrozenClock
from tests.worktrees.repositories import Repository

URL = "https://github.com/me/shop"
OLD_SCHEMA = 3


class Desk:
    """A memory in `home`, opened from whatever directory."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def environ(self, **more: str) -> dict[str, str]:
        return {"MEMORY_MCP_HOME": str(self.home), "PATH": os.environ["PATH"], **more}

    @contextmanager
    def at(self, directory: Path, **more: str) -> Iterator[Memory]:
        with Memory.open(self.environ(**more), directory, actor="test") as memory:
            yield memory

    def note(self, directory: Path, text: str) -> str:
        with self.at(directory) as memory:
            memory.notes.add(text)
            return memory.project

    def notes(self, directory: Path, **more: str) -> list[str]:
        with self.at(directory, **more) as memory:
            return [note.text for note in memory.notes.list().notes]

    @contextmanager
    def without_git(self) -> Iterator[None]:
        before = os.environ["PATH"]
        os.environ["PATH"] = str(self.home)
        try:
            yield
        finally:
            os.environ["PATH"] = before

    def look(self, directory: Path) -> str:
        resolved = resolve(self.environ(), directory)
        return project_of(resolved, claim_of(resolved, self.environ(), directory))

    def old_store(self, *names: str) -> None:
        """Make a file as it was before there were aliases, with a note in each project."""
        self.home.mkdir(exist_ok=True)
        database = Database(self.home / "memory.db", busy_timeout_s=5)
        migrate(database, FrozenClock(), MIGRATIONS[:OLD_SCHEMA])
        with database.write() as session:
            for name in names:
                session.run("INSERT INTO projects (name, created_at) VALUES (?, 1)", (name,))
        database.close()
        for name in names:
            with self.at(self.home, MEMORY_MCP_PROJECT_NAME=name) as memory:
                memory.notes.add(f"old note of {name}")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def repository_at(path: Path, url: str = "") -> Repository:
    made = Repository(path)
    made.commit({"a.py": path.name})
    if url:
        made.git("remote", "add", "origin", url)
    return made


# --- stores from before there were aliases ---


def test_an_old_store_keeps_its_projects_and_gains_aliases_as_directories_are_seen(desk: Desk, tmp_path: Path) -> None:
    by_path, plain = repository_at(tmp_path / "by-path"), tmp_path / "plain"
    by_remote = repository_at(tmp_path / "by-remote", URL)
    plain.mkdir()
    desk.old_store(str(by_path.root), "github.com/me/shop", str(plain))

    assert desk.notes(by_path.root) == [f"old note of {by_path.root}"]
    assert desk.notes(by_remote.root) == ["old note of github.com/me/shop"]
    assert desk.notes(plain) == [f"old note of {plain}"]
    by_remote.git("remote", "set-url", "origin", "https://h/o/n")
    assert desk.notes(by_remote.root.rename(tmp_path / "x")) == []  # a remote that nobody saw before the move
    by_path.git("remote", "add", "origin", URL)
    assert desk.notes(by_path.root) == [f"old note of {by_path.root}"]
    with desk.at(by_path.root) as memory:
        assert memory.projects.show().remotes == ["github.com/me/shop"]


def test_only_the_first_directory_adopts_an_old_project(desk: Desk, tmp_path: Path) -> None:
    first, second = repository_at(tmp_path / "first", URL), repository_at(tmp_path / "second", URL)
    desk.old_store("github.com/me/shop")

    assert desk.notes(first.root) == ["old note of github.com/me/shop"]
    assert desk.notes(second.root) == []


@pytest.mark.parametrize("kind", ["snapshot", "import"])
def test_an_old_project_whose_commits_are_elsewhere_is_not_adopted(desk: Desk, tmp_path: Path, kind: str) -> None:
    genuine, forged = repository_at(tmp_path / "genuine", URL), repository_at(tmp_path / "forged", URL)
    head = genuine.git("rev-parse", "HEAD")
    desk.old_store("github.com/me/shop")
    with desk.at(tmp_path, MEMORY_MCP_PROJECT_NAME="github.com/me/shop") as memory:
        episode, _ = memory.episodes.start("t")
        with memory.store.database.write() as session:
            if kind == "snapshot":
                key = session.value("SELECT key FROM documents WHERE id = ?", (episode.id,))
                session.run("INSERT INTO snapshots VALUES (?, ?, 'main', '{}', 1, 1)", (key, head))
            else:
                session.run("UPDATE documents SET source_kind = 'git', source_id = ? WHERE id = ?", (head, episode.id))

    assert desk.notes(forged.root) == []
    with desk.at(forged.root) as memory:
        assert "looks like project github.com/me/shop" in memory.projects.notices()[0]
    assert desk.notes(genuine.root) == ["old note of github.com/me/shop"]


def test_a_project_that_was_made_by_name_needs_more_than_its_name(desk: Desk, tmp_path: Path) -> None:
    with desk.at(tmp_path, MEMORY_MCP_PROJECT_NAME="github.com/me/shop") as memory:
        memory.notes.add("by name")
    repository = repository_at(tmp_path / "shop", URL)

    assert desk.note(repository.root, "own") == f"github.com/me/shop ({repository.root})"
    assert desk.notes(repository.root) == ["own"]
    with desk.at(repository.root) as memory:
        assert "looks like project github.com/me/shop" in memory.projects.notices()[0]


def test_a_project_that_was_made_by_name_is_found_by_its_commits(desk: Desk, tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop", URL)
    with desk.at(repository.root, MEMORY_MCP_PROJECT_NAME="github.com/me/shop") as memory:
        episode, _ = memory.episodes.start("repair the till")
        memory.episodes.append(episode.id, [Step("edit", "mend", {"file_path": "a.py"}, StepSuccess())])
        memory.learning.complete(episode.id, Success("done"))

    with desk.at(repository.root) as memory:
        assert memory.project == "github.com/me/shop"


def test_a_directory_first_seen_without_git_is_examined_again_once_git_is_there(desk: Desk, tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop", URL)
    with desk.without_git():
        assert desk.note(repository.root, "kept") == str(repository.root)
        assert desk.notes(repository.root) == ["kept"]
        with desk.at(repository.root) as memory:
            found, where = memory.settings, memory.places
    with Memory(found, where, Claim(repository.root), actor="hook", asks_git=False) as memory:
        assert not memory.has_changed

    assert desk.notes(repository.root) == ["kept"]
    with desk.at(repository.root) as memory:
        assert memory.projects.show().roots == [repository.git("rev-parse", "HEAD")]


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_looking_into_a_file_of_an_earlier_schema_leaves_it_as_it_is(desk: Desk, tmp_path: Path, schema: int) -> None:
    repository = repository_at(tmp_path / "shop", URL)
    desk.home.mkdir()
    database = Database(desk.home / "memory.db", busy_timeout_s=5)
    migrate(database, FrozenClock(), MIGRATIONS[:schema])
    with database.write() as session:
        session.run("INSERT INTO projects (name, created_at) VALUES ('github.com/me/shop', 1)")

    assert desk.look(repository.root) == "github.com/me/shop"
    with database.read() as session:
        assert session.value("PRAGMA user_version") == schema
    database.close()


# --- looking ---


def test_looking_up_a_name_writes_nothing_and_agrees_with_opening(desk: Desk, tmp_path: Path) -> None:
    shop, forged = repository_at(tmp_path / "shop", URL), repository_at(tmp_path / "forged", URL)
    named = repository_at(tmp_path / "named")
    (named.root / "memory-cli.toml").write_text('[project]\nname = "web"\n', encoding="utf-8")

    assert desk.look(shop.root) == "github.com/me/shop"
    assert not desk.home.exists()
    for repository in (shop, forged, named):
        looked = desk.look(repository.root)
        assert desk.note(repository.root, "n") == looked == desk.look(repository.root)


def test_a_hook_asks_no_git_in_a_directory_that_was_not_seen(desk: Desk, tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop")
    (tmp_path / "plain").mkdir()
    desk.note(tmp_path, "n")
    with desk.at(tmp_path) as memory:
        found, where = memory.settings, memory.places

    with pytest.raises(UnseenDirectoryError, match="git has to look at"):
        Memory(found, where, Claim(repository.root), actor="hook", asks_git=False)
    with Memory(found, where, Claim(tmp_path / "plain"), actor="hook", asks_git=False) as memory:
        assert memory.project == str(tmp_path / "plain")


def test_a_directory_that_is_gone_is_known_by_the_path_of_its_repository(desk: Desk, tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop", URL)
    desk.note(repository.root, "kept")
    repository.root.rename(tmp_path / "elsewhere")

    assert desk.notes(tmp_path / "shop" / "src" / "deep") == ["kept"]
    assert desk.note(tmp_path / "other" / "src", "n") == str(tmp_path / "other" / "src")


def test_names_that_differ_in_case_or_a_slash_are_what_the_file_system_says(desk: Desk, tmp_path: Path) -> None:
    lower, upper = repository_at(tmp_path / "shop"), repository_at(tmp_path / "SHOP")
    desk.note(lower.root, "lower")

    assert desk.notes(Path(f"{lower.root}/")) == ["lower"]
    assert desk.notes(lower.root / "." / ".." / "shop") == ["lower"]
    assert desk.notes(upper.root) == []


def test_a_path_with_control_characters_is_stored_as_it_is_and_named_on_one_line(desk: Desk, tmp_path: Path) -> None:
    place = tmp_path / "a\nb\x1b[31m"
    place.mkdir()

    assert desk.note(place, "kept") == f"{tmp_path}/a?b?[31m"
    assert desk.notes(place) == ["kept"]


# --- corrections ---


def test_a_linked_directory_shares_and_an_unlinked_one_stays_apart(desk: Desk, tmp_path: Path) -> None:
    shop, fork = repository_at(tmp_path / "shop", URL), repository_at(tmp_path / "fork", "https://h/o/fork")
    desk.note(shop.root, "of the shop")
    desk.note(fork.root, "of the fork")

    with desk.at(fork.root) as memory:
        linked = memory.projects.link("github.com/me/shop")
    assert (linked.before, linked.left_behind) == ("h/o/fork", 1)
    assert desk.notes(fork.root) == ["of the shop"]
    with desk.at(fork.root) as memory:
        again = memory.projects.unlink()
    assert again.project == f"h/o/fork ({fork.root})"
    assert desk.notes(fork.root) == []
    fork.git("remote", "set-url", "origin", URL)
    assert desk.notes(fork.root) == []
    assert desk.notes(shop.root) == ["of the shop"]


def test_link_unlink_and_trust_say_why_they_are_impossible(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with desk.at(tmp_path / "plain") as memory:
        with pytest.raises(NotFoundError, match="there is no project absent; 'memory-cli project list'"):
            memory.projects.link("absent")
        with pytest.raises(IllegalMoveError, match="own project already"):
            memory.projects.unlink()
        with pytest.raises(NotFoundError, match="there is nothing to trust"):
            memory.projects.trust()
        with pytest.raises(InvalidInputError, match="cannot be merged into itself"):
            memory.projects.merge(memory.project, memory.project)
        for name in ("", " ", "a\nb", "x" * 201):
            with pytest.raises(InvalidInputError, match="1 to 200 characters"):
                memory.projects.rename(memory.project, name)
    with desk.at(tmp_path, MEMORY_MCP_PROJECT_NAME="named") as memory:
        for act in (memory.projects.unlink, memory.projects.trust, lambda: memory.projects.link("named")):
            with pytest.raises(InvalidInputError, match="leave that name out"):
                act()


def test_a_trusted_name_counts_in_its_directory_and_identity_only(desk: Desk, tmp_path: Path) -> None:
    shop, other = repository_at(tmp_path / "shop"), repository_at(tmp_path / "other")
    with desk.at(tmp_path, MEMORY_MCP_PROJECT_NAME="web") as memory:
        memory.notes.add("of the web")
    for repository in (shop, other):
        (repository.root / "memory-cli.toml").write_text('[project]\nname = "web"\n', encoding="utf-8")
    with desk.at(shop.root) as memory:
        assert memory.project == f"{shop.root} (web)"
        assert "'memory-cli project trust' joins it" in memory.projects.notices()[0]
        assert memory.projects.trust().records == 1

    assert desk.notes(shop.root) == ["of the web"]
    assert desk.notes(other.root) == []
    shop.root.rename(tmp_path / "aside")
    other.root.rename(shop.root)
    assert desk.notes(shop.root) == []


def test_a_name_in_a_file_below_another_repository_does_not_count(desk: Desk, tmp_path: Path) -> None:
    shop, evil = repository_at(tmp_path / "shop"), repository_at(tmp_path / "shop" / "vendor" / "evil")
    for directory in (shop.root / "web", evil.root):
        directory.mkdir(exist_ok=True)
        (directory / "memory-cli.toml").write_text('[project]\nname = "web"\n', encoding="utf-8")
    with desk.at(shop.root / "web") as memory:
        memory.notes.add("of the web part")

    assert desk.notes(shop.root / "web", CLAUDE_PROJECT_DIR=str(shop.root)) == ["of the web part"]
    assert desk.notes(evil.root, CLAUDE_PROJECT_DIR=str(shop.root)) == []
    with desk.at(evil.root, CLAUDE_PROJECT_DIR=str(shop.root)) as memory:
        assert memory.project == str(shop.root)


def test_a_renamed_project_is_shown_by_its_new_name_everywhere(desk: Desk, tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop", URL)
    with desk.at(repository.root) as memory:
        memory.layers.begin("feature")
        episode, _ = memory.episodes.start("repair the till")
        memory.learning.complete(episode.id, Success("done"))
        memory.recall.search(Query("repair the till"))
    with desk.at(repository.root) as memory:
        memory.projects.rename("github.com/me/shop", "shop")
        with pytest.raises(NotFoundError):
            memory.projects.rename("github.com/me/shop", "again")

    with desk.at(repository.root) as memory:
        assert memory.project == "shop"
        assert memory.episodes.get(episode.id).project == "shop"
        assert [hit.project for hit in memory.recall.search(Query("repair the till")).hits] == ["shop"]
        assert [layer.branch for layer in memory.layers.list()] == ["feature"]
        with pytest.raises(ConflictError, match="there is a project shop already"):
            memory.projects.rename(desk.note(tmp_path / "x", "n"), "shop")


def test_a_merge_moves_records_aliases_layers_and_what_is_written_late(desk: Desk, tmp_path: Path) -> None:
    one, two = repository_at(tmp_path / "one"), repository_at(tmp_path / "two")
    for number, repository in enumerate((one, two, one, two)):
        with desk.at(repository.root) as memory:
            episode, _ = memory.episodes.start(f"repair the till {number}")
            steps = [Step("bash", "pytest", result=StepError("KeyError: x")), Step("edit", "mend")]
            memory.episodes.append(episode.id, [*steps, Step("bash", "pytest", result=StepSuccess("1 passed"))])
            memory.learning.complete(episode.id, Success("done"))
    one.git("checkout", "-q", "-b", "feature")
    with desk.at(one.root) as memory:
        memory.layers.begin()
    desk.note(one.root, "on the branch")
    one.git("checkout", "-q", "main")

    with desk.at(one.root) as late, desk.at(two.root) as memory:
        assert memory.projects.merge(str(one.root), str(two.root)) > 0
        late.notes.add("written late")
        memory.layers.fold_merged()
        memory.learning.follow()
        assert memory.store.project_counts()["episodes"] == 4
        (view,) = memory.projects.list()
        assert set(view.paths) == {str(one.root), str(two.root)}
        patterns = memory.store.patterns.list(PatternFilter(), limit=5, cursor=None).patterns
        assert 4 in {pattern.seen.uses for pattern in patterns}  # learnt anew from the episodes of both

    assert desk.notes(one.root) == ["written late"]
    one.git("checkout", "-q", "feature")
    assert set(desk.notes(one.root)) == {"written late", "on the branch"}
    with desk.at(one.root) as memory:
        assert memory.store.faults() == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(
        st.sampled_from(["remote add", "set-url", "move", "clone", "commit", "branch", "worktree"]),
        min_size=1,
        max_size=5,
    )
)
def test_memory_survives_all_changes_of_a_repository(
    moves: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("d")
    desk, repository = Desk(base / "home"), repository_at(base / "r")
    desk.note(repository.root, "kept")
    for number, move in enumerate(moves):
        has_remote = bool(repository.git("remote"))
        if move == "remote add" and not has_remote:
            repository.git("remote", "add", "origin", f"https://h/o/{number}")
        elif move == "set-url" and has_remote:
            repository.git("remote", "set-url", "origin", f"git@h:o/{number}.git")
        elif move == "move":
            repository = moved(repository, base / f"moved{number}")
        elif move == "clone" and has_remote:
            url = repository.git("remote", "get-url", "origin")
            repository.git("clone", "-q", str(repository.root), str(base / f"clone{number}"))
            repository = Repository(base / f"clone{number}")
            repository.git("remote", "set-url", "origin", url)
        elif move == "commit":
            repository.commit({"b.py": str(number)})
        elif move == "branch":
            repository.git("checkout", "-q", "-b", f"b{number}")
        elif move == "worktree":
            repository.git("worktree", "add", "-q", str(base / f"tree{number}"))
            assert desk.notes(base / f"tree{number}") == ["kept"]

        assert desk.notes(repository.root) == ["kept"], moves[: number + 1]


def moved(repository: Repository, place: Path) -> Repository:
    repository.root.rename(place)
    made = Repository(place)
    made.git("worktree", "prune")
    return made

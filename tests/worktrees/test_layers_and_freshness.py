"""Episodes know whether their files have changed; a branch can keep its records apart until it is merged."""

import os
from pathlib import Path

import msgspec
import pytest

from memory_mcp.errors import IllegalMoveError, NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.archive import FORMAT, EpisodeLine, Header
from memory_mcp.models.episodes import Source, Step, StepError, StepSuccess, Success
from memory_mcp.models.patterns import PatternFilter
from memory_mcp.models.recall import Hit, Query
from memory_mcp.models.snapshots import FileState, Snapshot
from memory_mcp.worktrees.tracked import tracked_files
from memory_mcp.worktrees.trees import find_work_tree
from tests.hooks.agents import Agent
from tests.importers.test_archives import taken_in
from tests.worktrees.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.commit({"src/parser.py": "1", "src/lexer.py": "2", "README.md": "3"})
    return made


def opened(repository: Repository, tmp_path: Path) -> Memory:
    environ = {"MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_CACHE_ENABLED": "false"}
    return Memory.open(environ, repository.root, actor="test")


def work(memory: Memory, task: str, *files: str) -> str:
    episode, _ = memory.episodes.start(task)
    steps = [Step("edit", "mend", {"file": file}, StepSuccess()) for file in files]
    memory.episodes.append(episode.id, [*steps, Step("bash", "pytest -q", result=StepError("KeyError: x"))])
    memory.learning.complete(episode.id, Success())
    return episode.id


def search(memory: Memory, text: str, *, fresh_only: bool = False) -> list[Hit]:
    return list(memory.recall.search(Query(text, fresh_only=fresh_only)).hits)


def test_each_hit_says_whether_its_files_are_as_they_were(repository: Repository, tmp_path: Path) -> None:
    with opened(repository, tmp_path) as memory:
        work(memory, "repair the parser", "src/parser.py", str(repository.root / "src/lexer.py"))
        work(memory, "repair the parser of the readme", "README.md", "made-up.md")
        work(memory, "repair the parser in thought")
        memory.notes.add("the parser is old")
        first = {hit.text: hit.freshness for hit in search(memory, "repair the parser")}
        repository.write("src/lexer.py", "changed")
        (repository.root / "README.md").unlink()
        then = {hit.text: hit.freshness for hit in search(memory, "repair the parser")}
        fresh = [hit.text for hit in search(memory, "repair the parser", fresh_only=True)]

    assert first == {
        "repair the parser": "fresh",
        "repair the parser of the readme": "fresh",
        "repair the parser in thought": "unknown",
        "the parser is old": "unknown",
    }
    assert then["repair the parser"] == "changed (1 of 2 files)"
    assert then["repair the parser of the readme"] == "gone"
    assert fresh == []


@pytest.mark.parametrize("name", ["index", "config"])
def test_a_pipe_in_place_of_gits_own_file_is_not_waited_for(repository: Repository, name: str) -> None:
    tree = find_work_tree(repository.root)
    assert tree is not None
    (tree.private / name).unlink()
    os.mkfifo(tree.private / name)

    assert (tracked_files(tree) == frozenset()) is (name == "index")


def test_a_search_for_fresh_ones_leaves_out_the_others(repository: Repository, tmp_path: Path) -> None:
    with opened(repository, tmp_path) as memory:
        work(memory, "repair the parser one", "src/parser.py")
        work(memory, "repair the parser two", "src/lexer.py")
        repository.write("src/parser.py", "changed")

        assert [hit.text for hit in search(memory, "repair the parser", fresh_only=True)] == ["repair the parser two"]


def test_another_work_tree_shares_the_project_and_compares_its_own_files(
    repository: Repository, tmp_path: Path
) -> None:
    side = Repository.__new__(Repository)
    side.root = tmp_path / "side"
    repository.git("worktree", "add", "-q", "-b", "side", str(side.root))
    with opened(repository, tmp_path) as memory:
        work(memory, "repair the parser", "src/parser.py")
    side.write("src/parser.py", "changed on the side")

    with opened(side, tmp_path) as memory:
        (hit,) = search(memory, "repair the parser")
        assert hit.freshness == "changed (1 of 1 files)"
    with opened(repository, tmp_path) as memory:
        assert search(memory, "repair the parser")[0].freshness == "fresh"


def test_a_branch_with_a_layer_sees_its_project_and_is_not_seen_by_it(repository: Repository, tmp_path: Path) -> None:
    with opened(repository, tmp_path) as memory:
        work(memory, "repair the parser on main", "src/parser.py")
    repository.git("checkout", "-q", "-b", "feature")
    with opened(repository, tmp_path) as memory:
        memory.layers.begin()
    with opened(repository, tmp_path) as memory:
        made = work(memory, "repair the parser on the branch", "src/lexer.py")
        seen = {hit.text for hit in search(memory, "repair the parser")}
        listed = [row.task for row in memory.episodes.list().episodes]
        assert memory.store.wall.project.endswith("@feature")
        assert len(memory.store.digests.runs.of_subjects([("pytest", "")])) == 2
    repository.git("checkout", "-q", "main")
    with opened(repository, tmp_path) as memory:
        assert {hit.text for hit in search(memory, "repair the parser")} == {"repair the parser on main"}
        assert [row.task for row in memory.episodes.list().episodes] == ["repair the parser on main"]
        with pytest.raises(NotFoundError):
            memory.episodes.get(made)
    assert seen == {"repair the parser on main", "repair the parser on the branch"}
    assert listed == ["repair the parser on the branch", "repair the parser on main"]


def test_a_merged_branch_is_folded_in_with_everything(repository: Repository, tmp_path: Path) -> None:
    with opened(repository, tmp_path) as memory:
        work(memory, "repair the parser on main", "src/parser.py")
    repository.git("checkout", "-q", "-b", "feature")
    with opened(repository, tmp_path) as memory:
        memory.layers.begin()
    with opened(repository, tmp_path) as memory:
        made = work(memory, "repair the parser on the branch", "src/lexer.py")
        memory.handoffs.checkpoint(made, note="from the branch")
        note, _ = memory.notes.add("a fact of the branch")
    repository.commit({"src/new.py": "1"})
    repository.git("checkout", "-q", "main")
    with opened(repository, tmp_path) as memory:
        assert memory.layers.fold_merged() == {}
        repository.git("merge", "-q", "feature")
        assert set(memory.layers.fold_merged()) == {"feature"}
        memory.learning.follow()

        assert {hit.text for hit in search(memory, "repair the parser")} == {
            "repair the parser on main",
            "repair the parser on the branch",
        }
        assert memory.notes.get(note.id).project == memory.project
        assert memory.handoffs.list()[0].note == "from the branch"
        assert memory.layers.list() == []
        found = memory.store.patterns.list(PatternFilter(), limit=50, cursor=None).patterns
        assert max(each.seen.uses for each in found) == 2
        assert memory.episodes.get(made).project == memory.project


def test_what_both_imported_stays_once_and_late_writes_are_taken_along(repository: Repository, tmp_path: Path) -> None:
    repository.git("checkout", "-q", "-b", "feature")
    with opened(repository, tmp_path) as memory:
        memory.layers.begin()
    late = opened(repository, tmp_path)
    episode = late.episodes.draft("imported")
    late.store.episodes.insert(
        type(episode)("i1", "", "imported", "", episode.context, 1, 1, source=Source("git", "c1"))
    )
    repository.git("checkout", "-q", "main")
    with opened(repository, tmp_path) as memory:
        memory.store.episodes.insert(
            type(episode)("i2", "", "imported", "", episode.context, 1, 1, source=Source("git", "c1"))
        )
        memory.layers.fold("feature")
        late.notes.add("written by a process that began before the fold")
        memory.layers.fold_merged()

        assert [row.id for row in memory.episodes.list().episodes] == ["i2"]
        assert len(memory.notes.list().notes) == 1
    late.close()


def test_a_dropped_layer_leaves_nothing(repository: Repository, tmp_path: Path) -> None:
    repository.git("checkout", "-q", "-b", "feature")
    with opened(repository, tmp_path) as memory:
        memory.layers.begin()
        with pytest.raises(IllegalMoveError, match="has a layer already"):
            memory.layers.begin()
    with opened(repository, tmp_path) as memory:
        work(memory, "an experiment", "src/lexer.py")
        search(memory, "experiment")
        memory.layers.drop("feature")
        with pytest.raises(NotFoundError, match="has no layer"):
            memory.layers.drop("feature")
    with opened(repository, tmp_path) as memory:
        counts = memory.store.counts()
        assert {counts[name] for name in ("episodes", "steps", "notes", "patterns")} == {0}
        assert memory.store.index_sizes().keyword_entries == 0


def test_a_session_start_folds_in_what_was_merged(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.root)
    agent = Agent(tmp_path / "home", "one")
    del agent.environ["MEMORY_MCP_PROJECT_NAME"]
    repository.git("checkout", "-q", "-b", "feature")
    with Memory.open(agent.environ, repository.root, actor="test") as memory:
        memory.layers.begin()
    agent.prompt("try another lexer")
    agent.edited(str(repository.root / "src/lexer.py"))
    agent.passed("pytest", "1 passed")
    agent.stop()
    repository.commit({"x": "1"})
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "feature")

    other = Agent(tmp_path / "home", "two")
    del other.environ["MEMORY_MCP_PROJECT_NAME"]
    other.start()

    with Memory.open(agent.environ, repository.root, actor="test") as memory:
        (hit,) = memory.recall.search(Query("try another lexer")).hits
    assert (hit.text, hit.outcome, hit.freshness) == ("try another lexer", "success", "fresh")


def test_an_impossible_file_name_harms_neither_completing_nor_recall(repository: Repository, tmp_path: Path) -> None:
    with opened(repository, tmp_path) as memory:
        strange = (
            "src/\x00.py",
            "a" * 5_000,
            "/" + "a/" * 3_000,
            "cut \ud83d",
            "\udcff",
            f"{repository.root}/\x00",
            "",
        )
        told = work(memory, "repair the parser", "src/parser.py", *strange)
        brought = msgspec.structs.replace(memory.episodes.get(told), id="brought", task="repair the lexer")
        files = {name: FileState("0", 1, 2**63 - 1) for name in ("\x00", "a" * 5_000, "ok/\x00")}
        export = tmp_path / "export.jsonl"
        header = Header(FORMAT, "1", memory.project, 0)
        line = EpisodeLine(brought, snapshot=Snapshot("c", "b", files, 1))
        export.write_bytes(b"\n".join(map(msgspec.json.encode, (header, line))) + b"\n")

        assert taken_in(memory, export).reports == []

        assert {hit.text: hit.freshness for hit in search(memory, "repair the parser and the lexer")} == {
            "repair the parser": "fresh",
            "repair the lexer": "gone",
        }

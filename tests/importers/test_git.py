"""Histories become episodes: reverts, follow-up fixes, issues, and a second run that adds only what is new."""

import subprocess
from pathlib import Path

import pytest

from memory_mcp.errors import ConflictError, ImporterError
from memory_mcp.importers.commits import Commit, count_commits, read_json_lines, read_repository
from memory_mcp.importers.git import Summary, episode_of, import_commits
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import EpisodeFilter, Failure, Success
from memory_mcp.models.recall import Query

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "git"


class Repository:
    """A real repository that a test writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q")

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", "-C", str(self.path), *identity, *words], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            (self.path / name.replace("__", ".")).write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def run(memory: Memory, repository: Repository) -> Summary:
    return import_commits(memory.episodes, memory.relationships, read_repository(repository.path))


def test_a_commit_becomes_an_episode_with_its_files_as_steps(memory: Memory, repository: Repository) -> None:
    name = repository.commit(
        "fix(parser): accept tabs\n\nThe lexer saw only blanks.", parser__py="a\nb\n", notes__md="x\n"
    )

    assert run(memory, repository) == Summary(read=1, imported=1, known=0, failures=0, relationships=0)

    (row,) = memory.episodes.list().episodes
    episode = memory.episodes.get(row.id)
    assert episode.task == "fix(parser): accept tabs\n\nThe lexer saw only blanks."
    assert (episode.task_type, episode.context.domain, episode.context.language) == ("bug_fix", "parser", "python")
    assert [step.parameters for step in episode.steps] == [
        {"file": "notes.md", "added": 1, "removed": 0},
        {"file": "parser.py", "added": 2, "removed": 0},
    ]
    assert isinstance(episode.outcome, Success)
    assert episode.source is not None
    assert (episode.source.kind, episode.source.id) == ("git", name)


def test_a_revert_makes_what_it_reverts_a_failure(memory: Memory, repository: Repository) -> None:
    repository.commit("start", a__py="1\n")
    bad = repository.commit("Use threads everywhere", a__py="2\n")
    repository.git("revert", "--no-edit", bad)

    summary = run(memory, repository)

    assert (summary.failures, summary.relationships) == (1, 1)
    (failed,) = memory.episodes.list(EpisodeFilter(outcome="failure")).episodes
    episode = memory.episodes.get(failed.id)
    assert episode.task == "Use threads everywhere"
    assert isinstance(episode.outcome, Failure)
    assert episode.outcome.reason.endswith('Revert "Use threads everywhere"')
    assert episode.context.tags == ("git", "reverted")
    assert memory.relationships.list(failed.id)[0].kind == "references"


def test_a_fix_of_the_same_lines_follows_the_commit_that_wrote_them(memory: Memory, repository: Repository) -> None:
    first = repository.commit("Add totals", a__py="one\ntwo\nthree\n")
    repository.commit("Add header", a__py="header\none\ntwo\nthree\n")
    repository.commit("Fix rounding of totals", a__py="header\none\nTWO\nthree\n")

    assert run(memory, repository).relationships == 1

    sources = memory.episodes.sources("git")
    (link,) = memory.relationships.list(sources[first])
    assert (link.kind, link.to_id) == ("follows", sources[first])


def test_commits_of_one_issue_are_related(memory: Memory, repository: Repository) -> None:
    first = repository.commit("Start on exports, refs #12", a__py="1\n")
    repository.commit("Unrelated, refs #3", b__py="1\n")
    second = repository.commit("Finish exports\n\nFixes #12", c__py="1\n")

    run(memory, repository)

    sources = memory.episodes.sources("git")
    (link,) = memory.relationships.list(sources[first])
    assert (link.kind, link.from_id, link.to_id) == ("related_to", sources[second], sources[first])


def test_a_second_run_adds_only_new_commits_and_links_them_to_old_ones(memory: Memory, repository: Repository) -> None:
    bad = repository.commit("Add cache", a__py="1\n")
    run(memory, repository)
    assert run(memory, repository) == Summary(read=1, imported=0, known=1, failures=0, relationships=0)

    repository.git("revert", "--no-edit", bad)

    assert run(memory, repository) == Summary(read=2, imported=1, known=1, failures=1, relationships=1)
    assert run(memory, repository) == Summary(read=2, imported=0, known=2, failures=0, relationships=0)


def test_an_import_that_another_process_overtakes_is_told_to_run_again(memory: Memory, repository: Repository) -> None:
    repository.commit("one", a__py="1\n")
    (commit,) = read_repository(repository.path)
    assert isinstance(commit, Commit)
    memory.episodes.record([episode_of(commit)])

    with pytest.raises(ConflictError, match=r"stored the same record .* run it again"):
        memory.episodes.record([episode_of(commit)])

    assert len(memory.episodes.list().episodes) == 1
    assert run(memory, repository).known == 1


def test_renames_binaries_and_odd_names_are_read(memory: Memory, repository: Repository) -> None:
    repository.commit("one", a__py="line\n" * 20)
    (repository.path / "picture.bin").write_bytes(bytes(range(256)))
    (repository.path / "wéird näme.txt").write_text("x\n", encoding="utf-8")
    repository.commit("two")
    repository.git("mv", "a.py", "b.py")
    repository.commit("three")

    run(memory, repository)

    found = {
        row.task: [step.parameters for step in memory.episodes.get(row.id).steps]
        for row in memory.episodes.list().episodes
    }
    assert found["two"] == [
        {"file": "picture.bin", "added": None, "removed": None},
        {"file": "wéird näme.txt", "added": 1, "removed": 0},
    ]
    assert found["three"] == [{"file": "b.py", "renamed_from": "a.py", "added": 0, "removed": 0}]


def test_a_place_without_history_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ImporterError, match="has no history to import"):
        count_commits(tmp_path)


def test_a_bad_line_of_a_recorded_history_is_named(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"commit": "a", "parents": [], "time": "2024-01-01T00:00:00Z", "subject": "s"}\nnonsense\n')

    with pytest.raises(ImporterError, match=r"log\.jsonl:2: this is no commit"):
        list(read_json_lines(file))


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/git beside the checkout")
def test_a_real_history_is_imported_and_found(memory: Memory) -> None:
    summary = import_commits(memory.episodes, memory.relationships, read_json_lines(DATA / "sqlite-utils.jsonl.gz"))

    assert summary.read == summary.imported == 1199
    best = memory.recall.search(Query("foreign key bug when adding columns", limit=3)).hits
    assert best
    assert "foreign" in best[0].matched

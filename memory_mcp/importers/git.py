"""This module turns a repository's commits into episodes, with reverts as failures and follow-up fixes linked."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from memory_mcp.episodes.lifecycle import Episodes
from memory_mcp.episodes.relationships import Relationships
from memory_mcp.errors import IllegalMoveError, NotFoundError
from memory_mcp.importers.commits import Commit, FileChange
from memory_mcp.importers.line_owners import LineOwners
from memory_mcp.importers.records import MALFORMED, Bad
from memory_mcp.models import limits
from memory_mcp.models.episodes import Context, Episode, Failure, Source, Step, StepSuccess, Success
from memory_mcp.models.relationships import Relationship

KIND = "git"
_BATCH = 200
_MOST_SHOWN = 100
_REVERTED = re.compile(r"This reverts commit ([0-9a-f]{7,40})")
_REVERT_SUBJECT = re.compile(r'Revert "(.+)"')
_ISSUE = re.compile(r"\b(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?)\b:?\s+#(\d+)", re.IGNORECASE)
_FIX = re.compile(r"\b(?:fix(?:e[sd]|ing)?|bug|regression|broken|typo|oops|correct(?:s|ed)?)\b", re.IGNORECASE)
_CONVENTIONAL = re.compile(r"(\w+)(?:\(([^)]+)\))?!?: ")
_TASK_TYPES = {
    "feat": "feature",
    "fix": "bug_fix",
    "docs": "documentation",
    "doc": "documentation",
    "test": "testing",
    "tests": "testing",
    "refactor": "refactoring",
    "perf": "performance",
    "build": "maintenance",
    "ci": "maintenance",
    "chore": "maintenance",
}
_LANGUAGES = {
    ".py": "python", ".js": "javascript", ".ts": "typescript", ".tsx": "typescript", ".rs": "rust", ".go": "go",
    ".java": "java", ".c": "c", ".h": "c", ".cpp": "c++", ".rb": "ruby", ".sh": "shell", ".sql": "sql",
}  # fmt: skip

Progress = Callable[[int], None]


class Summary(Struct, frozen=True):
    """What an import did; the first hundred bad commits are named."""

    read: int
    imported: int
    known: int
    failures: int
    relationships: int
    bad: int = 0
    reports: tuple[Bad, ...] = ()


class _Refused(Struct):
    """How many commits were refused, and the first of them."""

    count: int = 0
    first: list[Bad] = []

    def add(self, bad: Bad) -> None:
        self.count += 1
        if len(self.first) < _MOST_SHOWN:
            self.first.append(bad)


class _Links(Struct):
    """What earlier commits tell about later ones."""

    episode_ids: dict[str, str]
    subjects: dict[str, str]
    issues: dict[str, str]
    owners: LineOwners


def import_commits(
    episodes: Episodes, relationships: Relationships, commits: Iterable[Commit | Bad], progress: Progress | None = None
) -> Summary:
    """Record commits that are not known yet, oldest first; interrupted, it goes on where it stopped.

    Raises:
        ImporterError: the source could not be read; whole batches before that are kept.

    """
    links = _Links(episodes.sources(KIND), {}, {}, LineOwners())
    bad = _Refused()
    read = imported = known = failures = related = 0
    for batch in _batches(_good(commits, bad)):
        fresh = {commit.commit: commit for commit in batch if commit.commit not in links.episode_ids}
        stored = _record(episodes, list(fresh.values()), bad)
        links.episode_ids.update(stored)
        known += len(batch) - len(fresh)
        links_found: list[Relationship] = []
        for commit in batch:
            if commit.commit not in links.episode_ids:
                continue
            found, reverted = _links_of(commit, links)
            if commit.commit in stored:
                links_found += found
                if reverted and _mark_reverted(episodes, reverted, commit):
                    failures += 1
        related += _relate(relationships, links_found)
        read, imported = read + len(batch), imported + len(stored)
        if progress:
            progress(len(batch))
    return Summary(read, imported, known, failures, related, bad.count, tuple(bad.first))


def rehearse_commits(episodes: Episodes, commits: Iterable[Commit | Bad], progress: Progress | None = None) -> Summary:
    """Count what an import would bring, and change nothing.

    Raises:
        ImporterError: the source could not be read.

    """
    known = episodes.sources(KIND)
    bad = _Refused()
    read = there = 0
    for batch in _batches(_good(commits, bad)):
        read += len(batch)
        there += sum(commit.commit in known for commit in batch)
        if progress:
            progress(len(batch))
    return Summary(read, read - there, there, 0, 0, bad.count, tuple(bad.first))


def _good(commits: Iterable[Commit | Bad], bad: _Refused) -> Iterator[Commit]:
    for commit in commits:
        if isinstance(commit, Bad):
            bad.add(commit)
        else:
            yield commit


def _record(episodes: Episodes, commits: Sequence[Commit], bad: _Refused) -> dict[str, str]:
    """Store commits in one transaction, or singly if one is refused; map their names to episodes."""
    try:
        receipts = episodes.record([episode_of(commit) for commit in commits])
    except MALFORMED as error:
        if len(commits) == 1:
            bad.add(Bad.of(commits[0].commit, "commit that can be stored", error))
            return {}
        return {name: id_ for commit in commits for name, id_ in _record(episodes, [commit], bad).items()}
    return {commit.commit: receipt.id for commit, receipt in zip(commits, receipts, strict=True)}


def _relate(relationships: Relationships, links: Sequence[Relationship]) -> int:
    """Store relationships in one transaction, or singly if an episode of one was erased meanwhile."""
    try:
        return relationships.add(links) if links else 0
    except (IllegalMoveError, NotFoundError):
        return sum(_relate(relationships, [link]) for link in links) if len(links) > 1 else 0


def _mark_reverted(episodes: Episodes, reverted: str, commit: Commit) -> bool:
    reason = f"reverted by {commit.commit[:12]}: {commit.subject}"[: limits.TASK_CHARACTERS]
    try:
        episodes.correct_outcome(reverted, Failure(reason=reason, evidence="shown"), tag="reverted")
    except NotFoundError:  # erased meanwhile
        return False
    return True


def episode_of(commit: Commit) -> Episode:
    """Build the episode of a commit: its message is the task, each touched file a step."""
    task = f"{commit.subject}\n\n{commit.body}".strip() or f"commit {commit.commit[:12]} without a message"
    conventional = _CONVENTIONAL.match(commit.subject)
    kind = _TASK_TYPES.get(conventional[1].lower(), "") if conventional else ""
    return Episode(
        id="",
        project="",
        task=task[: limits.TASK_CHARACTERS],
        task_type=kind or ("bug_fix" if _FIX.search(commit.subject) else "commit"),
        context=Context(
            domain=(conventional[2] or "")[: limits.NAME_CHARACTERS] if conventional and kind else "",
            language=_language(commit.files),
            tags=("git",),
        ),
        started_at=commit.moment,
        updated_at=commit.moment,
        completed_at=commit.moment,
        steps=tuple(_steps(commit)),
        outcome=Success(evidence="user"),  # people kept it; a revert corrects it
        source=Source(KIND, commit.commit, commit.author),
    )


def _steps(commit: Commit) -> Iterator[Step]:
    most = limits.STEPS_PER_EPISODE
    shown = commit.files if len(commit.files) <= most else commit.files[: most - 1]
    for change in shown:
        renamed = {"renamed_from": change.old_path} if change.old_path else {}
        yield Step(
            tool="git",
            action="change",
            parameters={"file": change.path, **renamed, "added": change.added, "removed": change.removed},
            result=StepSuccess(),
            recorded_at=commit.moment,
        )
    if len(shown) < len(commit.files):
        more = {"more_files": len(commit.files) - len(shown)}
        yield Step("git", "change", more, StepSuccess(), recorded_at=commit.moment)


def _language(files: Iterable[FileChange]) -> str:
    counts = Counter(
        language for change in files if (language := _LANGUAGES.get(PurePosixPath(change.path).suffix.lower()))
    )
    return counts.most_common(1)[0][0] if counts else ""


def _links_of(commit: Commit, links: _Links) -> tuple[list[Relationship], str | None]:
    """Return how a commit relates to earlier ones and the episode that it reverts, and remember it for later ones."""
    mine = links.episode_ids[commit.commit]
    reverted = _reverted(commit, links)
    targets: dict[str, Relationship] = {}
    if reverted:
        targets[reverted] = Relationship("references", mine, reverted)
    for issue in _ISSUE.findall(commit.subject + "\n" + commit.body):
        if other := links.issues.get(issue):
            targets.setdefault(other, Relationship("related_to", mine, other))
        links.issues[issue] = mine
    owners = links.owners.apply(mine, commit.files)
    if _FIX.search(commit.subject) and not reverted:
        for other in owners:
            targets.setdefault(other, Relationship("follows", mine, other))
    links.subjects[commit.subject] = mine
    targets.pop(mine, None)
    return list(targets.values()), reverted


def _reverted(commit: Commit, links: _Links) -> str | None:
    if match := _REVERTED.search(commit.body):
        named = match[1]
        alike = (id_ for name, id_ in links.episode_ids.items() if name.startswith(named) or named.startswith(name))
        return links.episode_ids.get(named) or next(alike, None)
    quoted = _REVERT_SUBJECT.match(commit.subject)
    return links.subjects.get(quoted[1]) if quoted else None


def _batches(commits: Iterable[Commit]) -> Iterator[list[Commit]]:
    batch: list[Commit] = []
    for commit in commits:
        batch.append(commit)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch

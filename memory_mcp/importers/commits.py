"""This module reads commits, from a git repository or from JSON lines."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from memory_mcp.clock import iso
from memory_mcp.errors import GitError, ImporterError, InvalidInputError
from memory_mcp.importers.broken_walks import names_behind
from memory_mcp.importers.json_values import decoded
from memory_mcp.importers.line_files import records_in
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import Bad
from memory_mcp.worktrees.git import complaint_of, run_git, stream_git

_MARK = "\0"  # the one character that no message can hold; a line of a patch never begins with it
_FORMAT = "%x00%H%x00%P%x00%at%x00%ct%x00%an%x00%s%x00%b%x00"
_FIELDS = 7
_LONGEST_NAME = 200
_LONGEST_DATE = 12  # digits; with fewer, seconds reach to the year 5138
_MOST_LINES = 10_000_000  # of a file
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_BINARY = re.compile(r"Binary files (?:a/(.+)|/dev/null) and (?:b/(.+)|/dev/null) differ")
_MISSING = re.compile(r"unable to read|could not fetch|bad object|missing blob")
_OBJECT = re.compile(r"\b[0-9a-f]{40,64}\b")
_AT_ONCE = 100  # commits that are asked for together where single ones cannot be read
_MOST_BAD_FIRST = 100  # commits in a row that cannot be read before it is said of the whole history
_FETCH = "; in a partial clone, 'git fetch --refetch --no-filter' fetches what is missing"


class Hunk(Struct, frozen=True, array_like=True):
    """A changed range: `removed` lines from `old_start` became `added` lines from `new_start` (1-based)."""

    old_start: int
    removed: int
    new_start: int
    added: int


class FileChange(Struct, frozen=True, array_like=True):
    """A touched file with the lines added and removed, None for a binary one; `old_path` where it was renamed."""

    path: str
    added: int | None = None
    removed: int | None = None
    old_path: str = ""
    hunks: tuple[Hunk, ...] = ()


class Commit(Struct, frozen=True):
    """One commit; `time` is the author's, ISO 8601 with zone."""

    commit: str
    parents: tuple[str, ...]
    time: str
    subject: str
    body: str = ""
    files: tuple[FileChange, ...] = ()
    author: str = ""

    @property
    def moment(self) -> int:
        """The author's time in microseconds, or 0 if it is beyond the calendar."""
        return moment_of(self.time)


def count_commits(repository: Path) -> int:
    """Count the commits that `read_repository` will yield.

    Raises:
        ImporterError: git is absent, or this is no repository with commits.

    """
    try:
        head = run_git(repository, "rev-parse", "--verify", "--end-of-options", "HEAD^{commit}")
        if head.returncode:
            reason = complaint_of(head.stderr) or "git failed"
            raise ImporterError(f"{repository} has no history to import: {reason}")
        return len(_names(repository)[0])
    except GitError as error:
        raise ImporterError(f"{repository} has no history to import: {error}") from error


def read_repository(repository: Path) -> Iterator[Commit | Bad]:
    """Yield commits oldest first, with the changed lines of every file; merges change nothing and are left out.

    Raises:
        ImporterError: git is absent, this is no repository with commits, or none of them can be read.

    """
    read: set[str] = set()
    try:
        for commit in _logged(repository, "--reverse", "--topo-order", "HEAD"):
            read.add(_name_of(commit))
            yield commit
    except GitError as error:
        yield from _one_by_one(repository, read, error)


def _logged(repository: Path, *chosen: str) -> Iterator[Commit | Bad]:
    """Yield commits as git prints them; the last one only when git has ended well, since it may be cut."""
    held: Commit | Bad | None = None
    words = ("--no-merges", "-p", "-U0", "-M", f"--format={_FORMAT}", *chosen, "--")
    with stream_git(repository, "log", *words) as lines:
        for commit in _commits(line.decode("utf-8", "replace").rstrip("\n") for line in lines):
            if held is not None:
                yield held
            held = commit
    if held is not None:
        yield held


def _one_by_one(repository: Path, read: set[str], error: GitError) -> Iterator[Commit | Bad]:
    """Yield the commits that git can still read where it stopped at an object, and name the others.

    Raises:
        ImporterError: none can be read.

    """
    advice = _FETCH if _MISSING.search(str(error)) else ""
    refused = ImporterError(f"the history of {repository} could not be read: {error}{advice}")
    names, broken = _names(repository)
    chunks = [[name for name in names if name not in read]]
    came, bad = len(read), 0
    while chunks:
        chunk = chunks.pop()
        try:
            found = list(_logged(repository, "--no-walk=unsorted", *chunk)) if chunk else []
        except GitError as why:
            if len(chunk) > 1:
                size = min(_AT_ONCE, -(-len(chunk) // 2))
                chunks += reversed([chunk[start : start + size] for start in range(0, len(chunk), size)])
                continue
            bad += 1
            if not came and bad > _MOST_BAD_FIRST:
                raise refused from error
            found = [Bad(chunk[0], f"this commit cannot be read: {why}{advice}")]
        else:
            came += len(found)
        yield from found
    if not came:
        raise refused from error
    if broken:
        yield Bad(*broken)


def _names(repository: Path) -> tuple[list[str], tuple[str, str] | None]:
    """Return the names of the commits of the history, oldest first, and the object past which git cannot go."""
    names: list[str] = []
    try:
        with stream_git(repository, "rev-list", "--no-merges", "HEAD", "--") as lines:
            for line in lines:
                names.append(line.decode("ascii", "replace").strip())  # noqa: PERF401 - kept when git stops
    except GitError as error:
        found = _OBJECT.search(str(error))
        behind = names_behind(repository, names)
        more = f"{len(behind)} more were found among the repository's objects" if behind else "no more were found"
        reason = f"git cannot go past this commit, and {more}: {error}"
        return behind + names[::-1], (found[0] if found else "HEAD", reason)
    return names[::-1], None


def _name_of(commit: Commit | Bad) -> str:
    return commit.where if isinstance(commit, Bad) else commit.commit


def read_json_lines(path: Path) -> Iterator[Commit]:
    """Yield commits from a file in which every line must be one.

    Raises:
        ImporterError: the file cannot be read, or a line is no commit.

    """
    for commit in commits_in(path):
        if isinstance(commit, Bad):
            raise ImporterError(f"{commit.where}: {commit.reason}")
        yield commit


def commits_in(path: Path) -> Iterator[Commit | Bad]:
    """Yield commits from a file with one JSON object per line, gzipped or not, and its bad lines.

    Raises:
        ImporterError: there is no such file.

    """
    decoder = msgspec.json.Decoder(Commit)
    if not path.is_file() and not path.is_fifo():
        raise ImporterError(f"{path} cannot be read: it is not a file")

    def take(raw: bytes) -> Commit:
        return _checked(decoded(raw, decoder))

    yield from records_in(path, path, take, lambda _: None, "commit", or_pipe=True)


def _checked(commit: Commit) -> Commit:
    """Refuse a commit without a name or a time, or with impossible line numbers."""
    if not commit.commit or len(commit.commit) > _LONGEST_NAME:
        raise InvalidInputError("it has no name")
    if not commit.moment:
        raise InvalidInputError(f"its time is '{commit.time[:50]}'")
    numbers = (number for change in commit.files for hunk in change.hunks for number in msgspec.structs.astuple(hunk))
    if not all(0 <= number <= _MOST_LINES for number in numbers):
        raise InvalidInputError(f"it changes lines beyond {_MOST_LINES}")
    return commit


def _commits(lines: Iterator[str]) -> Iterator[Commit | Bad]:
    head: list[str] = []
    patch: list[str] = []
    in_head = False
    for line in lines:
        if line.startswith(_MARK) and not in_head:
            if head:
                yield _commit("\n".join(head), patch)
            head, patch, in_head = [line[1:]], [], True
        elif in_head:
            head.append(line)
        elif line.startswith(("diff --git ", "--- ", "+++ ", "@@ ", "rename ", "Binary files ")):
            patch.append(line)
        if in_head and line.endswith(_MARK) and sum(part.count(_MARK) for part in head) == _FIELDS:
            in_head = False
    if head:
        yield _commit("\n".join(head), patch)


def _commit(head: str, patch: list[str]) -> Commit | Bad:
    """Build a commit; without a usable author date it gets its commit date."""
    commit, parents, authored, made, author, subject, body, *_ = (*head.split(_MARK), *[""] * _FIELDS)
    moment = _moment(authored) or _moment(made)
    if not moment:
        return Bad(commit, f"this commit has no usable date: '{authored[:50]}'")
    files = tuple(_files(patch))
    try:
        named = author[:_LONGEST_NAME]
        return _checked(Commit(commit, tuple(parents.split()), iso(moment), subject, body.strip(), files, named))
    except InvalidInputError as error:
        return Bad(commit, str(error))


def _moment(seconds: str) -> int:
    return moment_of(int(seconds)) if seconds.isdecimal() and len(seconds) < _LONGEST_DATE else 0


def _files(patch: list[str]) -> Iterator[FileChange]:
    """Read one change per `diff --git` section; content lines that look like headers are told by their place."""
    sections: list[list[str]] = []
    for line in patch:
        if line.startswith("diff --git "):
            sections.append([])
        if sections:
            sections[-1].append(line)
    for section in sections:
        if change := _file(section):
            yield change


def _file(section: list[str]) -> FileChange | None:
    old = new = ""
    hunks: list[Hunk] = []
    for line in section[1:]:
        if line.startswith("rename from "):
            old = line.removeprefix("rename from ")
        elif line.startswith("rename to "):
            new = line.removeprefix("rename to ")
        elif binary := _BINARY.fullmatch(line):
            return FileChange(binary[2] or binary[1] or "")
        elif not hunks and line.startswith("--- "):
            old = "" if line == "--- /dev/null" else line[4:].removeprefix("a/").rstrip("\t")
        elif not hunks and line.startswith("+++ "):
            new = new if line == "+++ /dev/null" else line[4:].removeprefix("b/").rstrip("\t")
        elif match := _HUNK.match(line):
            old_start, removed, new_start, added = (int(part) if part else 1 for part in match.groups())
            hunks.append(Hunk(old_start, removed, new_start, added))
    path = new or old or _empty_file_path(section[0])
    if not path:
        return None
    return FileChange(
        path,
        sum(hunk.added for hunk in hunks),
        sum(hunk.removed for hunk in hunks),
        old if new and old != new else "",
        tuple(hunks),
    )


def _empty_file_path(header: str) -> str:
    """Read the path of a change without lines, `diff --git a/P b/P`."""
    words = header.removeprefix("diff --git a/")
    half = (len(words) - len(" b/")) // 2
    return words[:half] if words[half:] == f" b/{words[:half]}" else ""

"""This module makes any number of episodes like real ones: words, lengths, files and steps are drawn from those."""

import random
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from memory_mcp.errors import InvalidInputError
from memory_mcp.importers.commits import Commit, read_json_lines
from memory_mcp.importers.swe_agent import read_trajectory
from memory_mcp.models.episodes import (
    Context,
    Episode,
    Failure,
    Outcome,
    PartialSuccess,
    Source,
    Step,
    StepSuccess,
    Success,
)

_WORD = re.compile(r"\S+")
_NEW_NAME_SHARE = 0.01  # of words; without new ones the vocabulary would stop growing, as that of real text never does
_SESSION_SHARE = 0.3  # of episodes; they have the steps of an agent's run, the others those of a commit
_MOST_STEPS = 30
_TWO_YEARS_US = 2 * 365 * 86_400_000_000
_START_US = 1_700_000_000_000_000
_TASK_TYPES = ("bug_fix", "feature", "refactor", "testing", "documentation", "")
_LANGUAGES = ("python", "python", "python", "rust", "typescript", "")


class Vocabulary:
    """What real histories are made of, and new texts and steps drawn from it; the same seed gives the same."""

    def __init__(self, commits: Sequence[Commit], sessions: Sequence[Sequence[Step]], seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - made-up data, no secret
        self.titles = [commit.subject for commit in commits if commit.subject]
        self.bodies = [commit.body for commit in commits if commit.body]
        self._titles = [_WORD.findall(text) for text in self.titles]
        self._bodies = [_WORD.findall(commit.body) for commit in commits]
        self._files = [change.path for commit in commits for change in commit.files]
        self._file_counts = [len(commit.files) for commit in commits]
        self._sessions = [session for session in sessions if session]
        self._next: dict[str, list[str]] = {}
        for words in (*self._titles, *self._bodies):
            for word, follower in pairwise(words):
                self._next.setdefault(word, []).append(follower)
        self._words = [word for words in self._titles for word in words]

    @classmethod
    def read(cls, data: Path | None, sample: Path, *, seed: int = 1) -> "Vocabulary":
        """Read commit logs (`git/*.jsonl.gz`) and runs (`swe-agent/*.traj`) of a directory, else the bundled sample.

        Raises:
            InvalidInputError: the directory holds no commit log.

        """
        logs = sorted((data / "git").glob("*.jsonl.gz")) if data else [sample]
        if not logs:
            raise InvalidInputError(f"{data} holds no git/*.jsonl.gz to make episodes from")
        runs = sorted((data / "swe-agent").glob("*.traj")) if data else []
        commits = [commit for log in logs for commit in read_json_lines(log)]
        return cls(commits, [read_trajectory(run).steps for run in runs], seed)

    def text(self, first: str, length: int) -> str:
        """Return words that follow each other as they do in real texts."""
        found = [first]
        while len(found) < length:
            if self._dice.random() < _NEW_NAME_SHARE:
                found.append(self._new_name())
            following = self._next.get(found[-1])
            found.append(self._dice.choice(following or self._words))
        return " ".join(found)

    def title(self) -> str:
        """Return a new title of a real one's length."""
        like = self._dice.choice(self._titles)
        return self.text(self._dice.choice(self._titles)[0], len(like))

    def long_question(self, characters: int) -> str:
        """Return a new text of about so many characters."""
        return self.text(self._dice.choice(self._words), characters // 5)[:characters]

    def episodes(self, start: int, count: int) -> Iterator[Episode]:
        """Yield episodes; each is numbered, so that no two are the same."""
        for number in range(start, start + count):
            yield self._episode(number)

    def steps(self) -> tuple[Step, ...]:
        """Return the steps of a commit, or a stretch of an agent's run."""
        if self._sessions and self._dice.random() < _SESSION_SHARE:
            session = self._dice.choice(self._sessions)
            begin = self._dice.randrange(len(session))
            return tuple(session[begin : begin + self._dice.randint(3, _MOST_STEPS)])
        count = min(self._dice.choice(self._file_counts), _MOST_STEPS)
        paths = self._dice.choices(self._files, k=count)
        return tuple(Step("git", "change", {"file": path}, StepSuccess()) for path in paths)

    def _episode(self, number: int) -> Episode:
        dice = self._dice
        like = dice.choice(self._bodies)
        body = self.text(dice.choice(like), len(like)) if like else ""
        moment = _START_US + dice.randrange(_TWO_YEARS_US)
        outcome = self._outcome()
        return Episode(
            id="",
            project="",
            task=f"{self.title()} ({number})\n\n{body}".strip()[:8_000],
            task_type=dice.choice(_TASK_TYPES),
            context=Context(
                domain=dice.choice(self._files).split("/")[0][:50],
                language=dice.choice(_LANGUAGES),
                tags=tuple({f"tag-{dice.randrange(50)}" for _ in range(dice.randrange(3))}),
            ),
            started_at=moment,
            updated_at=moment,
            completed_at=moment if outcome else None,
            steps=self.steps(),
            outcome=outcome,
            source=Source("bench", str(number)),
        )

    def _outcome(self) -> Outcome | None:
        kind = self._dice.random()
        if kind < 0.7:  # noqa: PLR2004 - shares of outcomes, as rough as they are
            return Success(verdict=self.title(), evidence="shown")
        if kind < 0.8:  # noqa: PLR2004 - as above
            return PartialSuccess(verdict=self.title(), evidence="shown")
        return Failure(reason=self.title()) if kind < 0.95 else None  # noqa: PLR2004 - as above

    def _new_name(self) -> str:
        parts = [re.sub(r"\W", "", word).lower() for word in self._dice.choices(self._words, k=2)]
        return "_".join(filter(None, parts)) or "name"

"""This module searches raw transcripts by BM25: what somebody without a memory would do."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from msgspec import Struct

from memory_cli.replay.runs import Run
from memory_mcp.models.episodes import Step, StepSuccess

_WORD = re.compile(r"\w+")
_K1, _B = 1.2, 0.75  # the usual constants (Robertson and Zaragoza 2009)
_MOST_TERMS = 200  # different words of a question


class Passage(Struct, frozen=True):
    """A step of a recorded run."""

    run: Run
    position: int


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return _WORD.findall(text.lower())


def text_of(step: Step) -> str:
    """Return what a transcript shows of a step: the action, its arguments, and what came back."""
    told = step.result.output if isinstance(step.result, StepSuccess) else getattr(step.result, "message", "")
    arguments = (value for value in step.parameters.values() if isinstance(value, str))
    return "\n".join((step.action, *arguments, told))


class Bm25:
    """An index over texts that grows; the statistics are those of what it holds."""

    def __init__(self) -> None:
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: list[int] = []
        self._total = 0

    def add(self, text: str) -> None:
        """Add a text; its number is how many were added before."""
        counts = Counter(words(text))
        number, length = len(self._lengths), sum(counts.values())
        for word, count in counts.items():
            self._postings[word].append((number, count))
        self._lengths.append(length)
        self._total += length

    def ranked(self, question: str, limit: int) -> list[tuple[int, float]]:
        """Return (number, score) of the texts that share a word with a question, best first."""
        scores: dict[int, float] = defaultdict(float)
        held = len(self._lengths)
        mean = self._total / held if held else 1.0
        for word in list(dict.fromkeys(words(question)))[:_MOST_TERMS]:
            postings = self._postings.get(word, ())
            rarity = math.log(1 + (held - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, count in postings:
                norm = _K1 * (1 - _B + _B * self._lengths[number] / mean)
                scores[number] += rarity * count * (_K1 + 1) / (count + norm)
        return sorted(scores.items(), key=lambda pair: (-pair[1], -pair[0]))[:limit]


class Transcripts:
    """The raw transcripts of the runs that are known so far, as wholes and step by step."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._passages: list[Passage] = []
        self._by_run = Bm25()
        self._by_step = Bm25()

    def add(self, run: Run) -> None:
        """Add a run."""
        texts = [text_of(step) for step in run.episode.steps]
        self._by_run.add("\n".join((run.episode.task, *texts)))
        self._runs.append(run)
        for position, text in enumerate(texts):
            self._by_step.add(text)
            self._passages.append(Passage(run, position))

    def runs(self, question: str, limit: int) -> Sequence[tuple[Run, float]]:
        """Rank whole transcripts."""
        return [(self._runs[number], score) for number, score in self._by_run.ranked(question, limit)]

    def passages(self, question: str, limit: int) -> Sequence[Passage]:
        """Rank steps."""
        return [self._passages[number] for number, _ in self._by_step.ranked(question, limit)]

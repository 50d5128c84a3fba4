"""This module looks up the words of a question: how rare each is, and which of them are worth ranking by."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

from msgspec import Struct

from memory_mcp.retrieval import common_words
from memory_mcp.retrieval.keyword_ranking import ENGINE, Lookup
from memory_mcp.retrieval.keywords import is_prefix, match_expression
from memory_mcp.retrieval.prompts import Reading
from memory_mcp.retrieval.spelling import Neighbours, neighbours
from memory_mcp.storage import search_index, vocabulary
from memory_mcp.storage.database import Session
from memory_mcp.storage.sights import Sight
from memory_mcp.storage.vocabulary import phrase

# Ranking every match of common words is what a keyword search spends its time on, so the rarest words are looked up
# until their matches are this share of the store. Known-item search for llm and sqlite-utils among synthetic records,
# recall@10 and p95: at 12,000 records 0.284 and 15.1 ms with all matches, 0.284 and 10.0 ms with 4,000, 0.272 and 8.5
# ms with 2,000; at 102,000 records 0.164 and 70 ms with all, 0.160 and 21 ms with 20,000, 0.152 and 16 ms with 10,000.
MATCHED_SHARE, LEAST_MATCHES, MOST_MATCHES = 0.2, 4_000, 20_000
_MOST_LOOKED_UP = 160  # words of a prompt; a look at the vocabulary takes some 8 us each
_MOST_WORDS = 16  # the heaviest; 36 find the same and take twice the time, as they fill each place of a hashed vector
_FULL = 12  # so many of the words that weigh most are the whole question, however long the prompt is
_LEAST_EMPHASIS = 0.5  # of the most; words that tell less rank what others found
_PARTS_COMPARED = 6
# How much less a part counts that finds less. recall@10 on llm, 150 questions, before / between other chatter / between
# log lines: 0.393, 0.300, 0.333 at 1 and 0.393, 0.340, 0.360 at 3; 0.427 for the bare questions.
_SHARPNESS = 3
_ALONE = 0.35  # of the weight of the heaviest part: where no other has more, that part is the whole question
_MOST_UNKNOWN, _MOST_KNOWN = 5, 8  # words of a question that is put right where it is misspelt
_GUESSED = 0.8  # weight of a word that was put right
_MOST_PAIRS = 24
_VERSION_DIGITS = 2  # the 3 of "Release 3.8" is in many records of every store
_JOINED = 0.5  # an identifier that no record has whole, beside its parts
Pair = tuple[str, str]


class Terms(Struct, frozen=True):
    """The words of a question, how many of all documents hold each, and how much it weighs.

    `weight` is a word's rarity times how much it tells in this question. `telling` is how much it says about relevance:
    a word that is common in writing about any program says little even where this store seldom has it.
    """

    documents: int
    words: tuple[str, ...]
    matches: dict[str, int]
    weight: dict[str, float]
    telling: dict[str, float]
    emphasis: dict[str, float]
    corrected: dict[str, tuple[str, ...]] = {}
    is_counted: bool = True
    pairs: tuple[Pair, ...] = ()

    def phrases(self) -> dict[str, tuple[str, int]]:
        """Return for each word what is searched for in the index, and how many documents hold it."""
        return {word: (match_expression([word]), count) for word, count in self.matches.items()}

    def pair_phrase(self, pair: Pair) -> tuple[str, int]:
        """Return what is searched for to find a pair of words, and how many documents may hold it."""
        return phrase(" ".join(pair)), min(self.matches[word] for word in pair)

    def weigh(self, word: str) -> float:
        """Return the weight of a word, 0 of one that does not count; a misspelt one is like rare words."""
        if word in self.corrected:
            return math.log(1 + self.documents)
        return self.weight.get(word, 0.0)

    def affordable(self, most: float | None = None) -> list[str]:
        """Return the words by which documents are looked up: the rarest, as far as ranking their matches goes fast."""
        least = _LEAST_EMPHASIS * max(self.emphasis.values(), default=0.0)
        asked = [word for word in self.words if self.emphasis[word] >= least]
        rarest = sorted(asked, key=lambda word: self.matches[word])
        return _within(rarest, self.matches, most or _affordable_matches(self.documents)) or rarest[:1]

    def told(self, matched: Iterable[str]) -> float:
        """Return how much the matched words say about relevance."""
        return sum(self.telling[word] for word in matched)

    def coverage(self, matched: Iterable[str]) -> float:
        """Return which share of what the question's words say is said by the matched ones, 0 to 1."""
        total = sum(sorted(self.telling.values())[-_FULL:])
        return min(self.told(matched) / total, 1.0) if total else 0.0


def look_up(
    session: Session, reading: Reading, sight: Sight, *, counted: bool = True, lookup: Lookup = ENGINE
) -> Terms:
    """Weigh each word: ln(1 + N / (n + 1)), n of N documents holding its rarest stem, times how much it tells.

    Without counting, words are weighed by what they tell alone, and the keyword index is left alone.

    Raises:
        IndexDamagedError: the index cannot be read.

    """
    emphasis = reading.emphasis
    words = sorted(emphasis, key=lambda word: -emphasis[word])[:_MOST_LOOKED_UP]
    matches = _count(session, words, lookup) if counted else dict.fromkeys(words, 0)
    total = search_index.extent(session)
    corrected: dict[str, tuple[str, ...]] = {}
    if counted and len(reading.parts) > 1:
        reading = _by_evidence(session, reading, matches, sight, total, lookup).outweighing(_ALONE)
        emphasis = reading.emphasis
        words = [word for word in words if word in emphasis]
    if counted and total and len(reading.parts) == 1:
        near = _corrected(session, {word: matches[word] for word in words})
        if near:
            corrected = {word: found.words for word, found in near.items()}
            emphasis = _put_right(emphasis, near)
            words = list(emphasis)
            matches |= _count(session, [word for word in words if word not in matches], lookup)
    weight = {word: _rarity(total, matches[word]) * emphasis[word] for word in words}
    if len(words) > _MOST_WORDS:
        words = sorted(words, key=lambda word: -weight[word])[:_MOST_WORDS]
        weight = {word: weight[word] for word in words}
    matches = {word: matches[word] for word in words}
    return Terms(
        documents=total,
        words=tuple(words),
        matches=matches,
        weight=weight,
        telling=_telling(session, weight, matches),
        emphasis=emphasis,
        corrected=corrected,
        is_counted=counted,
        pairs=_pairs(reading, matches, counted=counted),
    )


def _telling(session: Session, weight: Mapping[str, float], matches: Mapping[str, int]) -> dict[str, float]:
    """Return how much each word says about relevance; of numbers alone their weight."""
    found = {word: _share_told(word, matches) * min(each, _ceiling(session, word)) for word, each in weight.items()}
    return found if any(found.values()) else dict(weight)


def _ceiling(session: Session, word: str) -> float:
    """Return what the rarest stem of a word may weigh at most."""
    return max((common_words.ceiling(stem) for stem in session.stem(word)), default=math.inf)


def _share_told(word: str, matches: Mapping[str, int]) -> float:
    if word.isdigit():
        return float(len(word) > _VERSION_DIGITS)
    return _JOINED if not matches[word] and _is_joined(word, matches) else 1.0


def _pairs(reading: Reading, matches: Mapping[str, int], *, counted: bool) -> tuple[Pair, ...]:
    """Return the known words that follow each other in the question, numbers and single letters apart.

    An identifier joined and its first part are one word, not two that stand together.
    """
    found: list[Pair] = []
    for part in reading.parts:
        telling = [word for word in part.words if len(word) > 1 and not word[0].isdigit() and word in matches]
        apart = (pair for pair in pairwise(telling) if not _is_joined(pair[0], pair[1:]))
        found += (pair for pair in apart if not counted or all(matches[word] for word in pair))
    return tuple(dict.fromkeys(found))[:_MOST_PAIRS]


def _rarity(documents: int, count: int) -> float:
    return math.log(1 + documents / (1 + count))


def _count(session: Session, words: Sequence[str], lookup: Lookup) -> dict[str, int]:
    """Count the documents that hold each word, by its rarest stem."""
    stems = {word: tuple(session.stem(word)) for word in words}
    counts = lookup.counts(session, list({stem for group in stems.values() for stem in group}))
    found = {word: min((counts.get(stem, 0) for stem in group), default=0) for word, group in stems.items()}
    return found | {word: vocabulary.count_beginning(session, word) for word in words if is_prefix(word)}


def _corrected(session: Session, matches: Mapping[str, int]) -> dict[str, Neighbours]:
    """Return for words that no record holds those that are like them; tried only where few words are known."""
    unknown = [word for word, count in matches.items() if not count and not _is_joined(word, matches)]
    if len(unknown) > _MOST_UNKNOWN or len(matches) - len(unknown) > _MOST_KNOWN:
        return {}
    found = {word: neighbours(session, word) for word in unknown}
    return {word: near for word, near in found.items() if near.words}


def _is_joined(word: str, others: Iterable[str]) -> bool:
    """Whether a word is an identifier written as one, whose parts are words of the question too."""
    return any(other != word and word.startswith(other) for other in others)


def _put_right(emphasis: Mapping[str, float], corrected: Mapping[str, Neighbours]) -> dict[str, float]:
    """Put what was found in the place of what was written; alternatives share its weight."""
    found = {word: share for word, share in emphasis.items() if word not in corrected}
    for near in corrected.values():
        share = _GUESSED if near.is_compound else _GUESSED / len(near.words)
        for word in near.words:
            found[word] = max(found.get(word, 0.0), share)
    return found


def _by_evidence(
    session: Session, reading: Reading, matches: dict[str, int], sight: Sight, total: int, lookup: Lookup
) -> Reading:
    """Weigh the parts of a prompt by the best record that each finds alone: what is said by the way finds none.

    A long sentence finds a record by a few of its many words, and chatter by words that any record may hold, so what is
    found counts by how much of the part it covers and by how much of the part is telling.
    """
    most = _affordable_matches(total) / _PARTS_COMPARED
    found: list[float] = []
    for part in reading.parts[:_PARTS_COMPARED]:
        telling = [word for word in part.words if matches.get(word) and part.emphasis(word) >= part.weight]
        asked = _within(sorted(telling, key=lambda word: matches[word]), matches, most)
        best = lookup.ranked(session, asked, sight, 1) if asked else []
        rarity = {word: _rarity(total, matches[word]) for word in part.words if word in matches}
        said = sum(rarity.values())
        if not best or not said:
            found.append(0.0)
            continue
        known = sum(weight for word, weight in rarity.items() if matches[word]) / said
        told = sum(min(weight, _ceiling(session, word)) for word, weight in rarity.items()) / said
        covered = best[0][1] / said
        found.append(best[0][1] * known * told * covered)
    top = max(found)
    return reading.reweighed([(each / top) ** _SHARPNESS for each in found]) if top else reading


def _affordable_matches(documents: int) -> float:
    return min(max(MATCHED_SHARE * documents, LEAST_MATCHES), MOST_MATCHES)


def _within(words: Sequence[str], matches: Mapping[str, int], most: float) -> list[str]:
    """Return the first words until their matches are too many."""
    spent = accumulate(matches[word] for word in words)
    return [word for word, total in zip(words, spent, strict=True) if total <= most]

"""This module reads a prompt: which of its words tell what is asked, and which part of it a model should see."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from memory_mcp.embeddings.words import STOP_WORDS, content_words, words
from memory_mcp.expressions import expression
from memory_mcp.retrieval import frames
from memory_mcp.retrieval.small_talk import SMALL_TALK

PLAIN_WORDS = 16
WEIGHT = {"last": 1.0, "first": 1.0, "asks": 1.0, "error": 0.5, "named": 1.0, "own": 0.25, "rest": 0.3, "small": 0.25}
TELLING = 800

_SENTENCE = expression(r"(?<=[.!?…])\s+(?=[\w\"'`(])")
_NAMED = expression(
    r"`[^`\n]{2,80}`|\"[^\"\n]{2,80}\"|'[^'\n]{3,80}'"
    r"|[\w.-]*/[\w./-]+|\w+(?:\.\w+)+|\w+_\w+|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*|--?[a-z][\w-]+|#\d+|\w+\(\)"
)


class Part(Struct, frozen=True):
    """A sentence, an error line or a frame: its words, those that name things, and how likely it asks, 0 to 1."""

    text: str
    words: tuple[str, ...]
    named: frozenset[str]
    weight: float

    def emphasis(self, word: str) -> float:
        """Return how much a word of it tells."""
        if word in self.named:
            return max(self.weight, WEIGHT["named"])
        return self.weight * (WEIGHT["small"] if word in SMALL_TALK else 1.0)


class Reading(Struct, frozen=True):
    """A question in parts, the most telling first; a short one is one part, whole."""

    parts: tuple[Part, ...]

    @property
    def emphasis(self) -> dict[str, float]:
        """How much each word tells, 0 to 1."""
        if len(self.parts) == 1:
            return dict.fromkeys(self.parts[0].words, 1.0)
        found: dict[str, float] = {}
        for part in self.parts:
            for word in part.words:
                found[word] = max(found.get(word, 0.0), part.emphasis(word))
        return found

    @property
    def text(self) -> str:
        """What a model should read."""
        if len(self.parts) == 1:
            return self.parts[0].text
        return "\n".join(part.text for part in self.parts)[:TELLING]


def read(text: str) -> Reading:
    """Read a question; one that is short tells with every word."""
    plain = content_words(text)
    if len(plain) <= PLAIN_WORDS and "\n" not in text:
        return Reading((Part(text, tuple(plain), frozenset(), 1.0),))
    lines, own = frames.cut(text)
    errors = [line for line in lines if frames.is_error(line)]
    sentences = list(_sentences([line for line in lines if line not in errors]))
    found = [_part(sentence, weight) for sentence, weight in zip(sentences, _weights(sentences), strict=True)]
    found += [_part(line, WEIGHT["error"]) for line in errors]
    found += [msgspec.structs.replace(_part(frame, WEIGHT["own"]), named=frozenset()) for frame in own]
    found = [part for part in found if part.words]
    found.sort(key=lambda part: -part.weight)
    return Reading(tuple(found) or (Part(text, tuple(plain), frozenset(), 1.0),))


def _part(text: str, weight: float) -> Part:
    named = frozenset(word for found in _NAMED.findall(text) for word in words(found))
    return Part(text, tuple(word for word in dict.fromkeys(words(text)) if word not in STOP_WORDS), named, weight)


def _weights(sentences: Sequence[str]) -> list[float]:
    """Return how likely each sentence asks: the last that is no mere small talk does, the first may, a question too."""
    telling = [place for place, sentence in enumerate(sentences) if _tells(sentence)]
    if not telling:
        return [1.0] * len(sentences)
    found = [WEIGHT["rest"]] * len(sentences)
    for place in telling:
        if sentences[place].rstrip().endswith("?"):
            found[place] = WEIGHT["asks"]
    found[telling[0]] = max(found[telling[0]], WEIGHT["first"])
    found[telling[-1]] = WEIGHT["last"]
    return found


def _sentences(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        for sentence in _SENTENCE.split(line.strip()):
            if any(character.isalnum() for character in sentence):
                yield sentence


def _tells(sentence: str) -> bool:
    return any(word not in SMALL_TALK for word in content_words(sentence))

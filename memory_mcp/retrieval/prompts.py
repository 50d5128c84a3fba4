"""This module reads a prompt: which of its words tell what is asked, and which part of it a model should see."""

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from memory_mcp.embeddings.words import STOP_WORDS, content_words, words
from memory_mcp.expressions import expression
from memory_mcp.models import limits
from memory_mcp.retrieval import frames, pasted
from memory_mcp.retrieval.keywords import spoken
from memory_mcp.retrieval.small_talk import SMALL_TALK

_PLAIN_WORDS = 16  # a question of one line and so few words is taken as it is
# How likely a part asks before the store has been looked at. Nobody says where the question stands in a prompt; most
# people write it last, some first. benchmarks/recall.py --prompts measures what each of these is worth.
_LAST, _FIRST, _QUESTION, _OTHER, _ERROR, _BESIDE = 1.0, 0.7, 0.9, 0.5, 0.3, 0.15
_NAMED = 2.0  # an identifier, a path or a quotation tells more than the words around it
_SMALL = 0.25  # a word of small talk tells less
_BEGINNING = 4_000  # characters kept of a prompt that is too long; the rest is its end
_READ_CHARACTERS = 800
_GIST_CHARACTERS = 300  # a sentence model takes some 75 ms for 800, and finds no more with them

# Says how to work, not what is asked; commits are called so too, but seldom amid other sentences.
_RULE = expression(
    r"(?:please |also |and |but )?(?:do not|don['\u2019]?t|never|avoid|make sure|be sure"
    r"|be careful|remember to|keep (?:it|the)|you are|bitte nicht|achte)\b",
    re.IGNORECASE,
)
_SENTENCE = expression(r"(?<=[.!?…])\s+(?=[\w\"'`(])")
_NAMES = expression(
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
            return min(self.weight * _NAMED, 1.0)
        return self.weight * (_SMALL if word in SMALL_TALK else 1.0)


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
        """What hashed vectors are made of."""
        return self._beginning(_READ_CHARACTERS)

    @property
    def gist(self) -> str:
        """What a sentence model reads."""
        return self._beginning(_GIST_CHARACTERS)

    def _beginning(self, characters: int) -> str:
        if len(self.parts) == 1:
            return self.parts[0].text
        return "\n".join(part.text for part in self.parts)[:characters]

    def reweighed(self, shares: Sequence[float]) -> "Reading":
        """Return the reading with the weight of its first parts multiplied by a share each, and of the others by 0."""
        padded = [*shares, *(0.0 for _ in self.parts[len(shares) :])]
        parts = [
            msgspec.structs.replace(part, weight=part.weight * share)
            for part, share in zip(self.parts, padded, strict=True)
        ]
        return Reading(tuple(sorted(parts, key=lambda part: -part.weight)))

    def outweighing(self, most: float) -> "Reading":
        """Return the first part as the whole question if each other weighs at most this share of it, else all."""
        first, *others = self.parts
        return Reading((first,)) if all(part.weight <= most * first.weight for part in others) else self


def within_limit(prompt: str) -> str:
    """Return a prompt as long as a question may be: its beginning and its end, where most people ask."""
    if len(prompt) <= limits.QUERY_CHARACTERS:
        return prompt
    return f"{prompt[:_BEGINNING]}\n{prompt[-(limits.QUERY_CHARACTERS - _BEGINNING - 1) :]}"


def read(text: str) -> Reading:
    """Read a question: library frames are dropped, the sentence that asks comes first."""
    text = pasted.without_forge(spoken(text))
    if "\n" not in text and len(content_words(text)) <= _PLAIN_WORDS:
        return _whole(text)
    lines, own = frames.cut(text)
    lines, logged = pasted.cut(lines)
    errors = [line for line in lines if frames.is_error(line)]
    sentences = list(_sentences([line for line in lines if line not in errors]))
    said = [_part(sentence, 1.0) for sentence in sentences]
    found = [msgspec.structs.replace(part, weight=weight) for part, weight in zip(said, _weights(said), strict=True)]
    beside = [(line, _ERROR) for line in errors] + [(line, _BESIDE) for line in (*own, *logged)]
    found += [msgspec.structs.replace(_part(line, weight), named=frozenset()) for line, weight in beside]
    telling = sorted((part for part in found if part.words), key=lambda part: -part.weight)
    return Reading(tuple(telling)) if telling else _whole(text)


def _whole(text: str) -> Reading:
    return Reading((Part(text, tuple(content_words(text)), frozenset(), 1.0),))


def _part(text: str, weight: float) -> Part:
    named = frozenset(word for found in _NAMES.findall(text) for word in words(found))
    return Part(text, tuple(word for word in dict.fromkeys(words(text)) if word not in STOP_WORDS), named, weight)


def _weights(sentences: Sequence[Part]) -> list[float]:
    """Return how likely each sentence asks, small talk apart."""
    rules = {place for place, sentence in enumerate(sentences) if _RULE.match(sentence.text)}
    telling = [place for place, sentence in enumerate(sentences) if place not in rules and not _is_small_talk(sentence)]
    if not telling:
        return [1.0] * len(sentences)
    found = [_BESIDE if place in rules else _OTHER for place in range(len(sentences))]
    for place in telling:
        if sentences[place].text.rstrip().endswith("?"):
            found[place] = _QUESTION
    found[telling[0]] = max(found[telling[0]], _FIRST)
    found[telling[-1]] = _LAST
    return found


def _sentences(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        for sentence in _SENTENCE.split(line.strip()):
            if any(character.isalnum() for character in sentence):
                yield sentence


def _is_small_talk(sentence: Part) -> bool:
    return all(word in SMALL_TALK for word in sentence.words or content_words(sentence.text))

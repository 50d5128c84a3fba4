"""This module cuts text into the word pieces of an uncased BERT vocabulary."""

import unicodedata
from functools import lru_cache
from pathlib import Path

_LONGEST_WORD = 100
_CJK_RANGES = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_ASCII_PUNCTUATION = ((33, 47), (58, 64), (91, 96), (123, 126))


class WordPiece:
    """The tokenizer of BERT (Devlin et al. 2019), lower-casing and stripping accents."""

    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").splitlines()
        self._ids = {piece: number for number, piece in enumerate(lines)}
        self._unknown = self._ids["[UNK]"]
        self._first = self._ids["[CLS]"]
        self._last = self._ids["[SEP]"]
        self._word = lru_cache(maxsize=20_000)(self._cut_word)

    def encode(self, text: str, *, longest: int) -> list[int]:
        """Return piece ids between [CLS] and [SEP], at most `longest` in all."""
        pieces: list[int] = []
        for word in _basic_words(text):
            pieces += self._word(word)
            if len(pieces) >= longest:
                break
        return [self._first, *pieces[: longest - 2], self._last]

    def _cut_word(self, word: str) -> tuple[int, ...]:
        """Take the longest known prefix again and again; a word that cannot be cut is unknown."""
        if len(word) > _LONGEST_WORD:
            return (self._unknown,)
        pieces: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._ids.get(word[start:end] if start == 0 else f"##{word[start:end]}")
                if piece is not None:
                    break
            else:
                return (self._unknown,)
            pieces.append(piece)
            start = end
        return tuple(pieces)


def _basic_words(text: str) -> list[str]:
    spaced = "".join(map(_spaced, text))
    stripped = unicodedata.normalize("NFD", spaced.lower())
    plain = "".join(c for c in stripped if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if _is_punctuation(c) else c for c in plain).split()


@lru_cache(maxsize=4_096)
def _spaced(character: str) -> str:
    """Drop control characters, turn white space into blanks, set ideographs apart."""
    code = ord(character)
    if character in "\t\n\r" or unicodedata.category(character) == "Zs":
        return " "
    if code in (0, 0xFFFD) or unicodedata.category(character).startswith("C"):
        return ""
    return f" {character} " if any(low <= code <= high for low, high in _CJK_RANGES) else character


@lru_cache(maxsize=4_096)
def _is_punctuation(character: str) -> bool:
    code = ord(character)
    return any(low <= code <= high for low, high in _ASCII_PUNCTUATION) or unicodedata.category(character)[0] == "P"

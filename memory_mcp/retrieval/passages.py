"""This module finds the passage of a text that a question matches best."""

from collections.abc import Iterator, Mapping

PASSAGE_CHARACTERS = 240
_LOOKED_AT = 20_000  # characters of a record
_MOST_PLACES = 200
_SHORTEST_STEM = 4
_BEFORE = 40  # characters shown ahead of the first word that matches


def best_passage(text: str, weights: Mapping[str, float]) -> str:
    """Return the stretch of at most 240 characters whose matched words weigh most; the beginning where none stands.

    A word is looked for by its beginning, as the index finds other forms of it too.
    """
    whole = text[:_LOOKED_AT]
    if len(whole) <= PASSAGE_CHARACTERS:
        return whole.strip()
    places = sorted(_places(whole.lower(), weights))[:_MOST_PLACES]
    best_weight, best_start = 0.0, 0
    for number, (start, _, _) in enumerate(places):
        within: dict[str, float] = {}
        for place, word, weight in places[number:]:
            if place + len(word) > start + PASSAGE_CHARACTERS - _BEFORE:
                break
            within[word] = weight
        if sum(within.values()) > best_weight:
            best_weight, best_start = sum(within.values()), start
    return _cut(whole, best_start)


def _places(lower: str, weights: Mapping[str, float]) -> Iterator[tuple[int, str, float]]:
    for word, weight in weights.items():
        stem = word[: max(_SHORTEST_STEM, len(word) - 2)]
        at = lower.find(stem)
        count = 0
        while at >= 0 and count < _MOST_PLACES:
            yield at, word, weight
            count += 1
            at = lower.find(stem, at + len(stem))


def _cut(text: str, start: int) -> str:
    """Cut so many characters at blanks, around a place."""
    begin = max(0, start - _BEFORE)
    if begin:
        blank = max(text.find(" ", begin, start), text.find("\n", begin, start))
        begin = blank + 1 if blank >= 0 else start
    end = begin + PASSAGE_CHARACTERS
    if end < len(text):
        blank = max(text.rfind(" ", begin, end), text.rfind("\n", begin, end))
        end = blank if blank > begin + PASSAGE_CHARACTERS // 2 else end
    return text[begin:end].strip()

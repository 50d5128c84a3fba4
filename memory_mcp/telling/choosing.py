"""This module chooses the sentences that a reader gets of what several records decided: whole, none said twice."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from memory_mcp.expressions import expression

_WORD = expression(r"[^\W_]+")
_COMMON_WORDS = (
    "a about after all also an and any are as at be been but by can could did do does for from had has have he here how"
    " i if in into is it its just like me more my no not now of on one only or our out over own same she should so some"
    " such than that the their them then there these they this those to too up us use very was we well were what when"
    " where which while who why will with would you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_STEM = 5  # letters that forms of one word share
_SHORTEST = 3
_LEAST_WORDS = 2  # of a sentence that says something by itself
_SAID = 0.75  # of a passage's words that stand in what is said already
_NEW = 0.4  # of a sentence's words that are new, where only sentences of a passage fit
_BESIDE = 0.6  # of the best record's relevance, for a record of another subject
_SAME_BESIDE = 0.3  # for one of the same subject, which may amend it
_ALIKE = 0.35  # of the words of the smaller of two records that decide about one subject


class Passage(Struct, frozen=True):
    """Whole sentences of one record, with what speaks for them, and who spoke them where that is a talk."""

    name: str
    text: str
    score: float
    speaker: str = ""

    @property
    def line(self) -> str:
        """What is shown."""
        return f"{self.speaker}{self.text}"


class Spoken(Struct, frozen=True):
    """A record and its passages, best first; `source` says in a few words who said it, where and when.

    `subject` is the first line of a commit, with which its first passage begins.
    """

    name: str
    source: str
    relevance: float
    said_at: int
    passages: Sequence[Passage]
    subject: str = ""


class Chosen(Struct, frozen=True):
    """What is said of a record."""

    record: Spoken
    lines: Sequence[Passage]


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text that carry meaning."""
    return frozenset(word for word in _WORD.findall(text.lower()) if word not in _COMMON)


def stems_in(text: str) -> frozenset[str]:
    """Return the beginnings of the words of a text that carry meaning, without numbers and very short words."""
    return frozenset(word[:_STEM] for word in words_in(text) if len(word) >= _SHORTEST and not word.isdecimal())


def ordered(records: Iterable[Spoken], floor: float) -> list[Spoken]:
    """Return records best first, but of those about one subject the newest first.

    A record of another subject than the best one's must reach the floor, and come near to the best one.
    """
    ranked = sorted(records, key=lambda each: -each.relevance)
    if not ranked:
        return []
    held = {each.name: words_in(" ".join(passage.text for passage in each.passages)) for each in ranked}
    best = ranked[0]
    least = max(floor, _BESIDE * best.relevance)
    kept = [
        each
        for each in ranked
        if each is best
        or each.relevance >= least
        or (each.relevance >= _SAME_BESIDE * best.relevance and are_alike(held[best.name], held[each.name]))
    ]
    found: list[Spoken] = []
    while kept:
        first = kept[0]
        kind = [each for each in kept if each is first or are_alike(held[first.name], held[each.name])]
        found += sorted(kind, key=lambda each: -each.said_at)
        kept = [each for each in kept if each not in kind]
    return found


def chosen(records: Sequence[Spoken], room: int) -> list[Chosen]:
    """Choose passages until so many bytes are full, the best of each record first and the first record first.

    Of a passage that does not fit whole, the sentences that say something new are taken; a commit whose passages do not
    all fit goes without its subject. What says nothing new is left out.
    """
    said: set[str] = set()
    found: list[Chosen] = []
    for record in records:
        left = room - _size(record.source)
        lines: list[Passage] = []
        whole = sum(_size(each.line) for each in record.passages)
        for passage in sorted(_bare(record) if whole > left else record.passages, key=lambda each: -each.score):
            own = words_in(passage.text)
            if len(own - said) <= (1 - _SAID) * len(own) or len(own) < _LEAST_WORDS:
                continue
            for piece in [passage] if _size(passage.line) <= left else _pieces(passage, said, left):
                lines.append(piece)
                left -= _size(piece.line)
                said |= words_in(piece.text)
        if lines:
            found.append(Chosen(record, lines))
            room = left
    return found


def _bare(record: Spoken) -> list[Passage]:
    """Return the passages of a record without its subject."""
    found = []
    for each in record.passages:
        rest = each.text.removeprefix(record.subject).lstrip(". ") if record.subject else each.text
        if rest:
            found.append(Passage(each.name, rest, each.score, each.speaker))
    return found


def _pieces(passage: Passage, said: set[str], left: int) -> Iterator[Passage]:
    """Yield the sentences of a passage that fit and say something new."""
    from memory_mcp.telling.sentences import split  # noqa: PLC0415 - most passages fit, and a hook pays 2 ms for it

    known = set(said)
    for sentence in split(passage.text):
        own = words_in(sentence)
        piece = Passage(passage.name, sentence, passage.score, passage.speaker)
        if len(own) >= _LEAST_WORDS and len(own - known) >= _NEW * len(own) and _size(piece.line) <= left:
            left -= _size(piece.line)
            known |= own
            yield piece


def are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two records, given by their words, are about one subject."""
    return len(one & other) >= _ALIKE * min(len(one), len(other))


def _size(text: str) -> int:
    return len(text.encode()) + 6  # the dash and the line's end, counted as tokens from above

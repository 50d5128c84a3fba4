"""This module tells from two decisions whether the newer one replaces the older one, or contradicts it.

It looks at nothing but the two, so that what it finds does not depend on the order in which records are read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from memory_mcp.expressions import expression
from memory_mcp.models.decisions import LinkKind
from memory_mcp.telling.naming import names_in
from memory_mcp.telling.sentences import split
from memory_mcp.telling.subjects import merged, overlap, weights

_NEGATED = expression(
    r"\b(?:no longer|never|not|cannot|without|stop(?:s|ped)?|refuses?|rejects?|disallow(?:s|ed)?|forbid\w*"
    r"|none)\b|n[’']t\b"
)
_NO_LONGER = expression(r"\bno longer (?P<rest>[^.;,:()—]{6,120})")
_INSTEAD = expression(r"\b(?:instead of|rather than|in place of|replac(?:es|ing)) (?P<rest>[^.;,:()—]{3,80})")
_GIVEN_UP = expression(
    r"\b(?:supersed(?:es|ed|ing)|instead of|rather than|in place of|replac(?:es|ing)|amend(?:s|ing)"
    r"|drop(?:s|ping)?|overrul(?:es|ing))"
    r" (?:the |our |that |old )*(?P<rest>[^.;:,()—]{4,60})"
)
_AGAIN = expression(r"\bagain\b|\bonce more\b|\bback to\b|\brestor\w+\b")
_AMENDS = expression(
    r"\b(?:amend(?:ed|ment|ing|s)?|supersed\w+|overrul\w+|from now on|change of plan|(?:new|updated|revised"
    r"|changed) (?:rule|policy|decision)"
    r"|(?:rule|policy|decision) (?:has )?chang\w+|no longer (?:holds|applies|true)|replac(?:es|ed"
    r"|ing) (?:the|our) (?:\w+ )?(?:rule|policy|decision))\b"
)
# A sentence about what was wrong is no rule that could be replaced.
_FAULT = expression(
    r"\b(?:bug|crash\w*|wrong\w*|silently|broke\w*|broken|regress\w*|incorrect\w*|corrupt\w*|fail(?:s|ed)?"
    r"|previously|used to"
    r"|fix(?:es|ed)?|problem|issue was|caused|lost|dropped)\b"
)
_QUANTITY = (
    r"timeout|limit|budget|cap|ttl|threshold|size|retries|attempts?|workers|window|port|length|width|delay|interval|depth"
    r"|max\w*|min\w*|floor|ceiling|quota|age|days|default"
)
_SLOT = expression(
    r"(?<![\w.])(?P<name>`?[A-Za-z_]\w*(?:\.\w+)*(?:\(\))?`?)\s*(?:==?|:|is|are|(?:was |is )?set to|must be|should be"
    r"|stays?(?: at)?"
    r"|remains?|defaults? to|to be|of|to|at)\s+(?:now |exactly |only |at most |at least |a "
    r"|`)*(?P<value>\d[\d_,.]*\d|\d)"
    r"(?P<unit>\s?(?:%|[a-zA-Zµ]{1,12}))?"
)
_IS_QUANTITY = expression(rf"(?:{_QUANTITY})$", re.IGNORECASE)
_CLAUSE = expression(r"[,;:()—]|\s[–-]\s|\b(?:but|and|so|because|while|which)\b")
_DENIED = expression(
    r"(?:\b(?:no longer|never|not|cannot|stop(?:s|ped)?)|n[’']t) (?P<rest>(?:be |been )?[\w’'-]+(?: [\w’'-]+)?)"
)
_SURELY = 0.75
_LONGEST, _MOST_SENTENCES = 1_200, 12  # of what is compared
_SAME = 0.9  # and more: one sentence said twice
_ALIKE, _AKIN = 0.5, 0.35
_AMENDED = 0.3


class View(Struct, frozen=True):
    """What of a decision is compared."""

    id: int
    source: str
    text: str
    said_at: int
    files: tuple[str, ...] = ()
    reverts: str = ""
    origin: str = ""


class Verdict(Struct, frozen=True):
    """What a newer decision does to an older one, and why."""

    kind: LinkKind
    why: str


def compare(newer: View, older: View) -> Verdict | None:
    """Return what the newer of two decisions of different records does to the older one, None where it does nothing."""
    if newer.source == older.source or newer.said_at < older.said_at:
        return None
    if newer.reverts:
        reverted = older.origin.startswith(newer.reverts) or newer.reverts.startswith(older.origin or "-")
        return Verdict("replaces", f"reverts {newer.reverts[:12]}") if reverted else None
    best: Verdict | None = None
    for said in _split(newer.text):
        for before in _split(older.text):
            found = _sentences(said, before, shares_file=bool(set(newer.files) & set(older.files)))
            if found and (best is None or (best.kind, found.kind) == ("contradicts", "replaces")):
                best = found
    return best


def overrules(later: str, earlier: str) -> bool:
    """Whether something said later in a talk puts an end to what was said earlier in it."""
    return any(_sentences(said, before, shares_file=True) for said in _split(later) for before in _split(earlier))


def amends(text: str) -> bool:
    """Whether a text says of itself that it changes an earlier rule."""
    return _AMENDS.search(text.lower()) is not None


def amended(newer: Iterable[View], others: Mapping[str, Iterable[View]]) -> list[tuple[View, View]]:
    """Return (newer, older) for what a record that amends a rule puts an end to, `others` being older, by record.

    Where it names what it gives up, that are the decisions which say so; else those most like it of one record.
    """
    said = list(newer)
    words = merged(weights(each.text) for each in said)
    near = {
        source: share
        for source, old in others.items()
        if (share := overlap(words, merged(weights(each.text) for each in old))) >= _AMENDED
    }
    given_up = [found["rest"] for each in said for found in _GIVEN_UP.finditer(each.text.lower())]
    pairs = [
        (_likest(said, old), old)
        for source in near
        for old in others[source]
        if any(_holds(weights(old.text), phrase) for phrase in given_up)
    ]
    if pairs or not near:
        return pairs
    likest = max(near, key=lambda source: (near[source], source))
    return [
        (best, old)
        for old in others[likest]
        if _AMENDED <= overlap(weights((best := _likest(said, old)).text), weights(old.text)) < _SAME
    ]


def _likest(said: Iterable[View], old: View) -> View:
    """Return what was said last about the same: it is how an amendment ended."""
    shares = {each: overlap(weights(each.text), weights(old.text)) for each in said}
    return max(shares, key=lambda each: (shares[each] >= _AMENDED, each.said_at, shares[each], -each.id))


@lru_cache(maxsize=4_096)
def _split(text: str) -> tuple[str, ...]:
    return tuple(sentence for sentence in split(text) if len(sentence) <= _LONGEST)[:_MOST_SENTENCES]


def _sentences(said: str, before: str, *, shares_file: bool) -> Verdict | None:
    mine, theirs = _read(said), _read(before)
    share = overlap(mine.words, theirs.words)
    names = mine.names & theirs.names
    if changed := _changed_value(mine.slots, theirs.slots):
        if changed[1] or (shares_file and share >= _AKIN):
            return Verdict("replaces", changed[0])
        return Verdict("contradicts", changed[0]) if share >= _ALIKE or names else None
    if _FAULT.search(theirs.low) or not (shares_file or names):
        return None
    return _turned(mine, theirs, share) if share >= _AKIN else None


def _turned(mine: "_Reading", theirs: "_Reading", share: float) -> Verdict | None:
    """Tell whether one sentence denies what the other says."""
    if (gone := _NO_LONGER.search(mine.low)) and _says(theirs, gone["rest"]):
        return Verdict("replaces" if share >= _ALIKE else "contradicts", f"no longer {gone['rest'].strip()}")
    if (given_up := _INSTEAD.search(mine.low)) and _names_it(given_up["rest"]) and _says(theirs, given_up["rest"]):
        return Verdict("replaces", f"instead of {given_up['rest'].strip()}")
    if _AGAIN.search(mine.low) and any(_holds(mine.words, phrase) for phrase in theirs.denied):
        return Verdict("replaces", "it holds again")
    if _SURELY <= share < _SAME and bool(mine.denied) != bool(theirs.denied):
        denied, other = (mine.denied, theirs) if mine.denied else (theirs.denied, mine)
        if any(_holds(other.words, phrase) for phrase in denied):
            return Verdict("contradicts", "one denies what the other says")
    return None


def _says(reading: "_Reading", phrase: str) -> bool:
    """Whether a sentence says what a phrase names, in a clause that does not deny it."""
    return any(
        _holds(weights(clause), phrase) and not _NEGATED.search(clause) and not _INSTEAD.search(clause)
        for clause in _CLAUSE.split(reading.low)
    )


def _names_it(phrase: str) -> bool:
    """Whether a phrase tells enough to be what was given up: a name of code, or two words."""
    words = weights(phrase)
    return any(weight > 1.0 for weight in words.values()) or sum(weight >= 1.0 for weight in words.values()) > 1


def _holds(theirs: Mapping[str, float], phrase: str) -> bool:
    """Whether words hold those of a phrase: all but common ones."""
    telling = [word for word, weight in weights(phrase).items() if weight >= 1.0]
    return bool(telling) and all(word in theirs for word in telling)


class _Reading(Struct, frozen=True):
    """What of a sentence is compared; `denied` are the words that its negations deny."""

    low: str
    words: dict[str, float]
    names: frozenset[str]
    slots: dict[tuple[str, str], set[str]]
    denied: tuple[str, ...]


@lru_cache(maxsize=8_192)
def _read(sentence: str) -> _Reading:
    low = sentence.lower()
    return _Reading(
        low,
        weights(sentence),
        frozenset(name.rpartition(".")[2] for name in names_in(sentence)),
        _slots(sentence),
        tuple(match["rest"] for match in _DENIED.finditer(low)),
    )


def _changed_value(
    mine: Mapping[tuple[str, str], set[str]], theirs: Mapping[tuple[str, str], set[str]]
) -> tuple[str, bool] | None:
    """Return what has another value than before, and whether it is a name of code; None where nothing has."""
    for name, values in mine.items():
        if name in theirs and not values & theirs[name]:
            is_name = "_" in name[0] or name[0].isupper()
            return f"{name[0]}: {', '.join(sorted(theirs[name]))} → {', '.join(sorted(values))}", is_name
    return None


def _slots(sentence: str) -> dict[tuple[str, str], set[str]]:
    """Return the values that a sentence gives to names of code and to quantities, by name and unit."""
    found: dict[tuple[str, str], set[str]] = {}
    for match in _slot_matches(sentence):
        name = match["name"].strip("`").removesuffix("()").rpartition(".")[2]
        unit = (match["unit"] or "").strip().lower()
        if "_" in name or (name.isupper() and len(name) > 2):  # noqa: PLR2004 - initials are no names
            found.setdefault((name, ""), set()).add(match["value"].rstrip("."))
        elif _IS_QUANTITY.search(name):
            found.setdefault((name.lower(), unit), set()).add(match["value"].rstrip("."))
    return found


def _slot_matches(sentence: str) -> Iterator[re.Match[str]]:
    yield from _SLOT.finditer(sentence)

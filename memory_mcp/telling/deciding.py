"""This module finds the sentences of a text that settle something: rules, values, reasons, and what changed."""

import re
from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.expressions import expression
from memory_mcp.telling.naming import names_in
from memory_mcp.telling.sentences import paragraphs

LEAST = 2.0  # of a sentence that settles something by itself
_LEAST_ALONE = 2.5  # of a first line without a text below
_BESIDE = 1.0  # of one beside such a sentence
_PASSAGE_CHARACTERS = 480  # beyond which the next sentence begins a passage of its own
_SHORT = 40  # characters of a sentence that says little without the one before it
_LONGEST = 1_200  # a longer sentence is a dump
_MOST = 24  # passages of one text


class Passage(Struct, frozen=True):
    """Whole sentences that settle something; `score` grows with what speaks for that."""

    text: str
    score: float
    position: int = 0


class _Cue(Struct, frozen=True):
    weight: float
    words: re.Pattern[str]


def _cue(weight: float, words: str) -> _Cue:
    return _Cue(weight, expression(words, re.IGNORECASE))


# Tuned on the commits of click, llm and sqlite-utils and on the tasks of seven names (docs/telling.md).
_CUES: tuple[_Cue, ...] = (
    _cue(2.0, r"\b(?:must(?: not|n[’']t)?|never|shall(?: not)?|forbidden|not allowed|is required|are required)\b"),
    _cue(2.0, r"\b(?:from now on|no longer|amend(?:ed|ment|s)?|supersed\w+|(?:is|are|was"
    r"|were) replaced (?:by|with))\b"),
    _cue(2.0, r"\b(?:agreed|decided|decision|settled(?: on)?|the (?:rule|policy|contract|invariant) (?:is"
    r"|now)|mandated)\b"),
    _cue(2.0, r"\b(?:invariant|policy|source of truth|convention|off the table|on purpose|deliberate(?:ly)?"
    r"|by design|intentional(?:ly)?)\b"),
    _cue(1.5, r"\b(?:always|exactly|only|strictly|at (?:most|least)|no more than|instead of|rather than"
    r"|in favou?r of)\b"),
    _cue(1.5, r"\b(?:do(?:es)? not|don[’']t|cannot|can[’']t|can not|should(?: not|n[’']t)?|needs? to|ha(?:s|ve) to)\b"),
    _cue(1.5, r"\b(?:measured|benchmark\w*|requires?|refus(?:es?|ed)|reject(?:s|ed)?|raises?|keeps?"
    r"|ignor(?:es?|ed)|treats?(?: \w+)* as)\b"),
    _cue(1.5, r"\bnow (?:\w+ly )?(?:also )?(?:\w+s|\w+ed|be|do|have|accept|raise|return|use|exit|refuse"
    r"|take|run|require|keep)\b"),
    _cue(2.0, r"^(?:order|rule|invariant|policy|final|contract|decision|recap|amended rule|amendment|note"
    r"|why)\b[^:.]{0,40}:"),
    _cue(1.0, r"\b(?:because|since|so that|otherwise|which is why|the reason|therefore|due to|hence"
    r"|to avoid|to prevent|in order to)\b"),
    _cue(1.0, r"\b(?:by default|defaults? to|unless|except|regardless|before|after|first|wins?|preserv\w+"
    r"|precedence|priority|inclusive|exclusive|prefer\w*)\b"),
    _cue(1.0, r"\b(?:previously|used to|broke|corrupt\w*|silently|incident|outage|regress\w*|wrong(?:ly)?|bug)\b"),
)  # fmt: skip
_NEGATED = expression(r"(?:^|[\s(])(?:no|not|none|without|nothing|neither|nor)\b|n[’']t\b", re.IGNORECASE)
_VALUE = expression(
    r"(?<![\w#./-])\d[\d_,.]*\s?(?:%|[a-zA-Zµ]{1,8}\b)?(?![\w/])|[<>=]=|=\"|(?<!\w)[\"“'‘`][^\"”'’`\s][^\"”'’`]{0,40}[\"”'’`]"
)
_NUMBERED = expression(r"(?:#|\bv?\d+\.\d+\.\d+)\d*|\bPhase \d+", re.IGNORECASE)
_MERGE = expression(r"merge (?:pull request|branch|remote|tag|commit)\b", re.IGNORECASE)
_HEDGED = expression(
    r"\b(?:maybe|perhaps|might|could try|not sure|i think|i guess|wonder|todo|looks like|i[’']ll|i will|let me|let's"
    r"|i[’']m going to|i need to|i[’']ve|i have (?:now )?|my (?:suspect|plan|goal|apologies)|we could|would be nice"
    r"|i believe|i assume|hopefully|thanks|thank you|good sign|running tests?|tests? pass(?:es|ed)?|passed in)\b",
    re.IGNORECASE,
)
_QUESTION = expression(r"\?[\"'”’)]*$")
# What a change did to papers, tests and tools, and how it came about, settles nothing about the code.
_CHORE = expression(
    r"^(?:(?:\w+(?:\([^)]*\))?!?: )?(?:also )?(?:a new test|(?:new |unit |more )?tests?\b|verified|ci\b"
    r"|this (?:means|commit)|add(?:s|ed)?|updat\w+|bump\w*|merg\w+|renam\w+|mov\w+|remov\w+|drop(?:s|ped)?"
    r"|tweak\w*|clean\w*|rewrit\w+"
    r"|rewrote|document\w*|test\w*|refactor\w*|reformat\w*|ran|run|upgrad\w+|releas\w+|improv\w+|clarif\w+|fix(?:es|ed)?"
    r"|typo\w*|ensure[sd]?|introduc\w+|creat\w+|implement\w*|extract\w*|convert\w*|docs?|tests?|changelog|readme)\b)",
    re.IGNORECASE,
)


def deciding_passages(text: str, subject: str = "", *, least: float = LEAST) -> list[Passage]:
    """Return the deciding passages of a text in its order; a commit's first line, its `subject`, opens the first.

    A passage is made of neighbouring sentences of one paragraph, whole.
    """
    found: list[Passage] = []
    position = 1
    for group in paragraphs(text):
        scores = [weigh(sentence) for sentence in group]
        found += _passages(group, scores, position, least)
        position += len(group)
    opening = "" if _MERGE.match(subject) else " ".join(subject.split())
    if found and opening:
        found[0] = Passage(f"{opening}{'' if opening[-1] in '.!?:' else '.'} {found[0].text}", found[0].score, 0)
    elif opening and weigh(opening) >= max(least, _LEAST_ALONE):
        found = [Passage(opening, weigh(opening))]
    return sorted(sorted(found, key=lambda each: -each.score)[:_MOST], key=lambda each: each.position)


def weigh(sentence: str) -> float:
    """Return how much speaks for a sentence settling something; LEAST is enough. A question settles nothing."""
    if _QUESTION.search(sentence) or len(sentence) > _LONGEST:
        return 0.0
    cues = sorted((cue.weight for cue in _CUES if cue.words.search(sentence)), reverse=True)
    score = sum(weight / (1 + rank * 0.5) for rank, weight in enumerate(cues))
    bare = _NUMBERED.sub(" ", sentence)
    score += 0.5 * bool(_VALUE.search(bare)) + 0.5 * bool(_NEGATED.search(sentence))
    score += 0.5 * bool(names_in(sentence))
    if _HEDGED.search(sentence):
        score -= 1.5
    if _CHORE.match(sentence):
        score -= 1.5
    return round(max(score, 0.0), 2)


def _passages(group: Sequence[str], scores: Sequence[float], position: int, least: float) -> list[Passage]:
    """Join neighbouring sentences: those that decide, what stands between two, and what a short one rests on."""
    decides = [score >= least for score in scores]
    taken = [
        decided or (any(around := decides[max(at - 1, 0) : at + 2]) and (scores[at] >= _BESIDE or sum(around) > 1))
        for at, decided in enumerate(decides)
    ]
    for at, sentence in enumerate(group):
        if decides[at] and at and not taken[at - 1] and len(sentence) < _SHORT and not _QUESTION.search(group[at - 1]):
            taken[at - 1] = True
    found: list[Passage] = []
    held: list[int] = []
    for at in range(len(group)):
        joined = sum(len(group[each]) + 1 for each in held)
        if held and (not taken[at] or joined + len(group[at]) > _PASSAGE_CHARACTERS):
            found.append(_made(group, scores, held, position))
            held = []
        if taken[at]:
            held.append(at)
    if held:
        found.append(_made(group, scores, held, position))
    return found


def _made(group: Sequence[str], scores: Sequence[float], held: Sequence[int], position: int) -> Passage:
    return Passage(" ".join(group[at] for at in held), max(scores[at] for at in held), position + held[0])

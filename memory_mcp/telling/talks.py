"""This module finds what stands at the end of a talk: what the user said or confirmed, and the last summary."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from memory_mcp.expressions import expression
from memory_mcp.models.voices import Voice
from memory_mcp.telling.deciding import LEAST, Passage, deciding_passages
from memory_mcp.telling.replacing import overrules
from memory_mcp.telling.sentences import paragraphs

Stance = Literal["confirms", "rejects", "mixed", "none"]
_USERS = ("user", "human")
_RECAP = expression(
    r"^(?:(?:full |quick )?(?:re)?cap\b|final(?:ly|ised|ized)?\b|settled\b|agreed\b|amended\b|summary\b"
    r"|to (?:be explicit|summari[sz]e"
    r"|recap)\b|in short\b|understood\b|got it\b|so[:,]? |done[:.]|decision\b|deterministic\b|locked in\b"
    r"|confirmed\b|noted\b)",
    re.IGNORECASE,
)
_CONFIRMED = expression(
    r"^(?:yes|yep|yeah|right|exactly|agreed|correct|perfect|great|good|ok(?:ay)?|sure|done|lgtm|ship it"
    r"|do (?:it|that)|go ahead"
    r"|that[’']s (?:it|the one|right|correct|exactly)|sounds (?:good|right)|leave it|works for me|👍)\b|^👍",
    re.IGNORECASE,
)
_CONFIRMED_WITHIN = expression(
    r"\b(?:is right|yes\b|that part stays|you[’']re right|ship it|that[’']s the one)", re.IGNORECASE
)
_REJECTED = expression(
    r"^(?:no\b|nope|never\b|not\b|don[’']t|do not|stop\b|wait\b|actually\b|careful\b|but\b|hmm|wrong|instead\b|we tried"
    r"|that[’']s (?:not|only half|wrong|exactly what we can[’']t)|please don[’']t|undo|revert|scratch that"
    r"|correction\b|amendment\b)"
    r"|\b(?:off the table|that[’']s exactly what we can[’']t|is leaving|is exactly what[’']s|is wrong"
    r"|isn[’']t right|hold on)\b"
    r"|(?:^|[.!] )(?:but|however|except)\b",
    re.IGNORECASE,
)
_AMENDING = expression(
    r"\b(?:amend\w*|supersed\w+|from now on|no longer|change of plan|new (?:rule|policy)|overrul\w+)\b", re.IGNORECASE
)
_MACHINE = expression(r"\s*(?:<[a-z-]+[ >]|caveat: the messages below|\[request interrupted)", re.IGNORECASE)
_STRONG = 3.0  # of a sentence in the first thing that the user says, which mostly is what is wrong
_MOST = 60  # passages of one talk
_SHORT = 80  # characters of an answer that needs its question
_ANSWERED, _CONFIRMED_MORE, _RECAPPED = 0.5, 1.0, 2.0
_RECAP_LEAST = 0.5


class Said(Struct, frozen=True):
    """What one side said."""

    role: str
    text: str

    @property
    def is_user(self) -> bool:
        """Whether the user said it."""
        return self.role.lower() in _USERS


class Settled(Struct, frozen=True):
    """A passage that stands at the end of a talk: in which turn it was said, and whose word it is."""

    text: str
    score: float
    turn: int
    voice: Voice


def settled(talk: Sequence[Said]) -> list[Settled]:
    """Return what a talk settled, in its order; what the user turned down is left out."""
    turns = [each if not _MACHINE.match(each.text) else Said("machine", "") for each in talk]
    found: list[Settled] = []
    for at, said in enumerate(turns):
        if said.is_user:
            found += _said_by_user(turns, at)
        elif said.role != "machine" and said.text:
            found += _said_by_agent(turns, at)
    best = sorted(sorted(found, key=lambda each: -each.score)[:_MOST], key=found.index)
    return [
        each
        for place, each in enumerate(best)
        if not any(later.turn > each.turn and overrules(later.text, each.text) for later in best[place + 1 :])
    ]


def stance(text: str) -> Stance:
    """Return what the user's words make of what was proposed before."""
    first = text.lstrip()[:400]
    rejects = _REJECTED.search(first) is not None
    confirms = _CONFIRMED.match(first) is not None or _CONFIRMED_WITHIN.search(first) is not None
    if rejects and confirms:
        return "mixed"
    return "rejects" if rejects else "confirms" if confirms else "none"


def _said_by_user(turns: Sequence[Said], at: int) -> Iterator[Settled]:
    text = turns[at].text
    is_answer = at > 0
    question = _question_before(turns, at)
    if question and len(text) <= _SHORT and stance(text) != "confirms":
        yield Settled(f"{question} {' '.join(text.split())}", LEAST + _ANSWERED, at, "user")
        return
    for passage in deciding_passages(text):
        if is_answer or passage.score >= _STRONG or _AMENDING.search(text):
            whole = _with_question(passage, text, question)
            yield Settled(whole, round(passage.score + _ANSWERED * is_answer, 2), at, "user")


def _with_question(passage: Passage, text: str, question: str) -> str:
    """Put the question before an answer that is too short to be understood without it."""
    first = next((sentence for group in paragraphs(text) for sentence in group), "")
    needs = question and len(first) <= _SHORT and passage.text.startswith(first)
    return f"{question} {passage.text}" if needs else passage.text


def _question_before(turns: Sequence[Said], at: int) -> str:
    """Return the question that the turn before ends with."""
    if not at or turns[at - 1].is_user:
        return ""
    groups = paragraphs(turns[at - 1].text)
    last = groups[-1][-1] if groups else ""
    return last if last.endswith("?") else ""


def _said_by_agent(turns: Sequence[Said], at: int) -> list[Settled]:
    """Return what stands of a proposal: all that the next turn of the user confirms, or the summary at the end."""
    answer = next((said.text for said in turns[at + 1 :] if said.is_user), None)
    taken = stance(answer) if answer is not None else None
    is_last = not any(said.is_user for said in turns[at + 1 :]) or (
        taken == "confirms" and not any(not said.is_user and said.text for said in turns[at + 1 :][1:])
    )
    corrected = sum(said.is_user for said in turns[:at]) > 1
    directly = at + 1 < len(turns) and turns[at + 1].is_user
    voice: Voice = "user" if taken == "confirms" and directly else "agent"
    if taken in {"rejects", "mixed", "none"} or not (directly or is_last):
        return []
    if taken is None and not ((corrected or _AMENDING.search(turns[at].text)) and _closes(turns, at)):
        return []
    more = _CONFIRMED_MORE * (voice == "user")
    return [
        msgspec.structs.replace(each, score=round(each.score + more, 2), voice=voice)
        for each in _proposed(turns[at].text, at)
    ]


def _closes(turns: Sequence[Said], at: int) -> bool:
    """Whether a turn is the last word of the agent's: nothing of its own follows that settles more."""
    return not any(_proposed(said.text, 0) for said in turns[at + 1 :] if not said.is_user)


def _proposed(text: str, at: int) -> list[Settled]:
    groups = paragraphs(text)
    recaps = bool(groups) and _RECAP.match(groups[0][0]) is not None
    passages = deciding_passages(text, least=_RECAP_LEAST if recaps else LEAST)
    return [Settled(each.text, each.score + _RECAPPED * recaps, at, "agent") for each in passages]

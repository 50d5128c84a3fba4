"""This module quotes decisions with their source, as far as they may speak without being asked for."""

from collections.abc import Iterator, Sequence

from memory_mcp.clock import iso
from memory_mcp.memory import Memory
from memory_mcp.models.decisions import Decision
from memory_mcp.telling.choosing import Passage, words_in
from memory_mcp.telling.talks import stance

_MOST_TURNS = 200
_AGREED = 0.6  # of the words of an assistant's summary that the user said in the same talk, or agreed to
_STEM = 5  # letters that forms of one word share
_USERS = frozenset(("user", "human"))
_HASH = 7
_NAMES = {"talk": "A talk", "note": "A note", "task": "An earlier session", "added": "Kept by the user"}


def source_of(decision: Decision) -> str:
    """Say where a decision stands, and when it was made."""
    day = iso(decision.said_at)[:10]
    if decision.source_kind == "commit":
        return f"Commit {decision.origin[:_HASH]}{f' by {decision.who}' if decision.who else ''} ({day}):"
    return f"{_NAMES[decision.source_kind]} ({day}):"


def quoted(memory: Memory, decisions: Sequence[Decision], *, is_asked: bool) -> Iterator[Passage]:
    """Yield the decisions of one record that may speak, each with its speaker where it stands in a talk.

    An assistant's summary of what the user said speaks only where it answers a question.
    """
    talks = [each.source_id for each in decisions[:1] if is_asked and each.source_kind == "talk"]
    ids = [*talks, *(each.id for each in decisions)]
    speaking = memory.trust.may_speak(ids, "prompt" if is_asked else "action")
    sums_up = any(talk in speaking for talk in talks) and any(each.voice == "agent" for each in decisions)
    agreed = _agreed(memory, talks[0]) if sums_up else frozenset()
    for each in decisions:
        said = speaking.get(each.id)
        speaker = _speaker(each) if said else _summing_up(each, agreed)
        if speaker is not None:
            label = said.label if said and said.voice != "repository" else ""  # whose heading names it
            yield Passage(each.id, f"{speaker}{each.text} {label}".rstrip(), each.score)


def _speaker(decision: Decision) -> str:
    """Return how a sentence begins that names its speaker."""
    if decision.source_kind != "talk":
        return ""
    if decision.who in _USERS:
        return "user: "
    return f"{decision.who}, and the user agreed: "


def _summing_up(decision: Decision, agreed: frozenset[str]) -> str | None:
    """Return how an assistant's summary of what the user said begins, None for any other sentence."""
    if decision.source_kind != "talk" or not agreed:
        return None
    own = _stems(decision.text)
    return f"{decision.who}'s summary: " if own and len(own & agreed) >= _AGREED * len(own) else None


def _agreed(memory: Memory, conversation_id: str) -> frozenset[str]:
    """Return the words that the user said in a talk, or agreed to."""
    messages = [turn.message for turn in memory.store.turns.page(conversation_id, start=0, limit=_MOST_TURNS)]
    said = [message.text for message in messages if message.role in _USERS]
    answered = zip(messages, messages[1:], strict=False)
    said += [one.text for one, answer in answered if answer.role in _USERS and stance(answer.text) == "confirms"]
    return _stems("\n".join(said))


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in words_in(text))

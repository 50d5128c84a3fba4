"""This module quotes decisions with their source, as far as they may speak without being asked for."""

from collections.abc import Iterator, Sequence

from memory_mcp.clock import iso
from memory_mcp.memory import Memory
from memory_mcp.models.addressing import speaks_to_agents
from memory_mcp.models.decisions import Decision
from memory_mcp.telling.choosing import Passage, stems_in
from memory_mcp.telling.talks import stance

_MOST_TURNS = 200
_AGREED = 0.4  # of the words of an assistant's summary that the user said in the same talk, or did not turn down
_USERS = frozenset(("user", "human"))
_HASH = 7
_NAMES = {"talk": "A talk", "note": "A note", "task": "An earlier session", "added": "Kept by the user"}


def source_of(decision: Decision) -> str:
    """Say where a decision stands, and when it was made."""
    day = iso(decision.said_at)[:10]
    if decision.source_kind == "commit":
        return f"Commit {decision.origin[:_HASH]}{f' by {decision.who}' if decision.who else ''} ({day}):"
    return f"{_NAMES[decision.source_kind]} ({day}):"


def successors(memory: Memory, decisions: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
    """Yield the decisions of each record that replaced one of these, which may not name what these name."""
    newer = dict.fromkeys(each.replaced_by for each in decisions if each.replaced_by)
    for decision in (memory.decisions.get(each) for each in newer):
        whole = memory.decisions.of([decision.source_id]) if decision.source_id else [decision]
        if whole:
            yield whole


def quoted(memory: Memory, decisions: Sequence[Decision], *, is_asked: bool) -> Iterator[Passage]:
    """Yield the decisions of one record that may speak, each with its speaker where it stands in a talk.

    Where they answer the user's own question, so may the user's turns of a talk that an agent handed in, and an
    assistant's summary of what the user said or did not turn down.
    """
    spoken = memory.trust.may_speak([each.id for each in decisions], "prompt" if is_asked else "action")
    sums_up = is_asked and any(each.source_kind == "talk" and each.voice == "agent" for each in decisions)
    agreed = _agreed(memory, decisions[0].source_id) if sums_up else frozenset()
    for each in decisions:
        if each.voice != "user" and speaks_to_agents(each.text):
            continue
        if each.id in spoken:
            yield Passage(each.id, f"{_speaker(each)}{each.text}", each.score)
        elif sums_up and each.source_kind == "talk" and each.voice == "agent":
            speaker = _reporter(each, agreed)
            if speaker:
                yield Passage(each.id, f"{speaker}{each.text}", each.score)


def _speaker(decision: Decision) -> str:
    """Return how a sentence begins that names its speaker."""
    if decision.source_kind != "talk":
        return ""
    return "user: " if decision.who in _USERS else f"{decision.who}, and the user agreed: "


def _reporter(decision: Decision, agreed: frozenset[str]) -> str:
    """Return how an unconfirmed sentence of a talk begins, nothing where it may not speak."""
    if decision.who in _USERS:
        return "user (reported by an agent, unconfirmed): "
    own = stems_in(decision.text)
    return f"{decision.who}'s summary: " if own and len(own & agreed) >= _AGREED * len(own) else ""


def _agreed(memory: Memory, conversation_id: str) -> frozenset[str]:
    """Return the words that the user said in a talk, or answered without turning them down."""
    messages = [turn.message for turn in memory.store.turns.page(conversation_id, start=0, limit=_MOST_TURNS)]
    said = [message.text for message in messages if message.role in _USERS]
    answered = zip(messages, messages[1:], strict=False)
    said += [one.text for one, answer in answered if answer.role in _USERS and stance(answer.text) != "rejects"]
    return stems_in("\n".join(said))

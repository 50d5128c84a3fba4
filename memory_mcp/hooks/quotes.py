"""This module quotes decisions with their source, as far as they may speak without being asked for."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from memory_mcp.clock import iso
from memory_mcp.hooks.quoting import quoted as marked
from memory_mcp.memory import Memory
from memory_mcp.models.addressing import speaks_to_agents
from memory_mcp.models.decisions import Decision
from memory_mcp.models.voices import Speaking
from memory_mcp.telling.choosing import Passage, are_alike, stems_in, words_in
from memory_mcp.telling.places import ranked

_MOST_TURNS = 200
_AGREED = 0.4  # of the words of an assistant's summary that the user said in the same talk, or did not turn down
_USERS = frozenset(("user", "human"))
_LOOKED_AT = 40  # decisions that name the same
_HASH = 7
_NAME = 60  # characters of an author's, who may call himself anything
_NAMES = {"talk": "A talk", "note": "A note", "task": "An earlier session", "added": "Kept by the user"}


def source_of(decision: Decision) -> str:
    """Say where a decision stands, and when it was made."""
    day = iso(decision.said_at)[:10]
    if decision.source_kind == "commit":
        return (
            f"Commit {decision.origin[:_HASH]}{f' by {marked(decision.who[:_NAME])}' if decision.who else ''} ({day}):"
        )
    return f"{_NAMES[decision.source_kind]} ({day}):"


def decisions_of(memory: Memory, record_id: str) -> list[Decision]:
    """Return what a record decided, best first; by the store, for the service loads what extracts decisions too."""
    return sorted(memory.store.decisions.of([record_id]), key=lambda each: (-each.score, -each.said_at, each.id))


def decisions_about(memory: Memory, files: Iterable[str], names: Iterable[str]) -> list[Decision]:
    """Return the standing decisions that name some of these places, those first that name most of them."""
    return ranked(memory.store.decisions.at, files, names)[:_LOOKED_AT]


def successors(memory: Memory, decisions: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
    """Yield the decisions of each record that replaced one of these, and of later talks about their subject.

    They may not name what these name, nor be found by what finds these.
    """
    newer = dict.fromkeys(each.replaced_by for each in decisions if each.replaced_by)
    sources = dict.fromkeys(memory.store.decisions.get(each).source_id for each in newer)
    if decisions and decisions[0].source_kind == "talk":
        sources |= dict.fromkeys(_later_talks(memory, decisions))
    for source in filter(None, sources):
        if whole := [each for each in decisions_of(memory, source) if each.is_standing]:
            yield whole


def _later_talks(memory: Memory, decisions: Sequence[Decision]) -> Iterator[str]:
    """Yield the talks that came later, name what these name, and say much the same words."""
    own = words_in(" ".join(each.text for each in decisions))
    names = dict.fromkeys(name for each in decisions for name in (*each.functions, *each.names))
    later: dict[str, list[str]] = {}
    for each in decisions_about(memory, decisions[0].files, names):
        if each.source_kind == "talk" and each.said_at > decisions[0].said_at:
            later.setdefault(each.source_id, []).append(each.text)
    for source, texts in later.items():
        if source != decisions[0].source_id and are_alike(own, words_in(" ".join(texts))):
            yield source


def quoted(memory: Memory, decisions: Sequence[Decision], *, is_asked: bool) -> Iterator[Passage]:
    """Yield the decisions of one record that may speak, each with its speaker where it stands in a talk.

    Where they answer the user's own question, so may the user's turns of a talk that an agent handed in, and an
    assistant's summary of what the user said or did not turn down.
    """
    talks = [each.source_id for each in decisions[:1] if is_asked and each.source_kind == "talk"]
    ids = [*talks, *(each.id for each in decisions)]
    spoken = memory.trust.may_speak(ids, "prompt" if is_asked else "action")
    # the talk is the user's own: of one that an agent handed in, the summary may be about anything
    sums_up = any(talk in spoken for talk in talks) and any(each.voice == "agent" for each in decisions)
    agreed = _agreed(memory, talks[0]) if sums_up else frozenset()
    for each in decisions:
        if each.voice != "user" and speaks_to_agents(each.text):
            continue
        if said := spoken.get(each.id):
            yield _as_said(each, said)
        elif sums_up and (speaker := _summing_up(each, agreed)):
            yield Passage(each.id, each.text, each.score, speaker)


def _as_said(decision: Decision, said: Speaking) -> Passage:
    """Return a sentence with its speaker, and whose word it is; a commit is named by its heading."""
    label = f" {said.label}" if said.label and said.voice != "repository" else ""
    if decision.source_kind != "talk":
        return Passage(decision.id, f"{decision.text}{label}", decision.score)
    speaker = "user" if decision.who in _USERS else f"{decision.who}, and the user agreed"
    return Passage(decision.id, decision.text, decision.score, f"{speaker}{label}: ")


def _summing_up(decision: Decision, agreed: frozenset[str]) -> str:
    """Return how an assistant's summary of what the user said begins, nothing where it may not speak."""
    if decision.source_kind != "talk" or decision.voice != "agent":
        return ""
    own = stems_in(decision.text)
    return f"{decision.who}'s summary: " if own and len(own & agreed) >= _AGREED * len(own) else ""


def _agreed(memory: Memory, conversation_id: str) -> frozenset[str]:
    """Return the words that the user said in a talk, or answered without turning them down."""
    from memory_mcp.telling.talks import stance  # noqa: PLC0415 - only where an assistant summed up

    messages = [turn.message for turn in memory.store.turns.page(conversation_id, start=0, limit=_MOST_TURNS)]
    said = [message.text for message in messages if message.role in _USERS]
    answered = pairwise(messages)
    said += [one.text for one, answer in answered if answer.role in _USERS and stance(answer.text) != "rejects"]
    return stems_in("\n".join(said))

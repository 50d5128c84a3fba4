"""This module chooses the facts that somebody needs who begins a task: how to set up and test, traps, proofs."""

from collections.abc import Sequence

from memory_mcp.models.facts import Fact

_MOST = {"test": 1, "trap": 3, "proof": 2, "together": 2}
_MOST_MISSING = 12
_PLAIN = "pip install "


def chosen(facts: Sequence[Fact], files: Sequence[str]) -> list[Fact]:
    """Return the facts for a task on these files: what is missing in one sentence, then a few of each topic."""
    told = joined([fact for fact in facts if fact.topic == "setup"][:_MOST_MISSING])
    for topic, most in _MOST.items():
        fitting = [fact for fact in facts if fact.topic == topic]
        if topic in {"proof", "together"}:
            fitting = [fact for fact in fitting if fact.subject.split(" + ")[0] in files]
        told += fitting[:most]
    return told


def joined(missing: Sequence[Fact]) -> list[Fact]:
    """Tell modules that one command brings in one sentence; of several others each has its own."""
    plain = [fact for fact in missing if fact.do.startswith(_PLAIN) and len(fact.do.split()) == len(_PLAIN.split()) + 1]
    if len(plain) <= 1:
        return list(missing)
    names = ", ".join(f"`{fact.subject}` ({fact.support} of {fact.of} tasks)" for fact in plain)
    command = _PLAIN + " ".join(dict.fromkeys(fact.do.removeprefix(_PLAIN) for fact in plain))
    together = Fact(
        topic="setup",
        subject=", ".join(fact.subject for fact in plain),
        text=f"A fresh environment lacks {names}: `{command}` brings them.",
        do=command,
        support=max(fact.support for fact in plain),
        of=max(fact.of for fact in plain),
        first_seen=min(fact.first_seen for fact in plain),
        last_seen=max(fact.last_seen for fact in plain),
        episodes=tuple(dict.fromkeys(episode for fact in plain for episode in fact.episodes)),
    )
    others = [fact for fact in missing if fact not in plain]
    own = [fact for fact in others if fact.text.startswith("The project itself")]
    return [*own, together, *(fact for fact in others if fact not in own)]

"""This module tells the modules that a fresh environment lacks in one sentence."""

from collections.abc import Collection, Sequence

from memory_mcp.facts.counting import tasks
from memory_mcp.models.facts import Fact

_PLAIN = "pip install "


def joined(missing: Sequence[Fact], installed: Collection[str] = ()) -> list[Fact]:
    """Tell modules that one command brings in one sentence; of several others each has its own.

    `installed` are the names of packages that some run installed, whether or not it was seen to mend anything.
    """
    plain = [fact for fact in missing if _is_plain(fact)]
    with_them = [fact for fact in missing if not fact.do and "lacks the module" in fact.text] if plain else []
    if len(plain) + len(with_them) <= 1:
        return list(missing)
    together = _together(plain, with_them, installed)
    others = [fact for fact in missing if fact not in plain and fact not in with_them]
    own = [fact for fact in others if fact.text.startswith("The project itself")]
    return [*own, together, *(fact for fact in others if fact not in own)]


def _is_plain(fact: Fact) -> bool:
    is_one = fact.do.startswith(_PLAIN) and len(fact.do.split()) == len(_PLAIN.split()) + 1
    return is_one and "lacks the module" in fact.text


def _together(plain: Sequence[Fact], with_them: Sequence[Fact], installed: Collection[str]) -> Fact:
    all_ = sorted([*plain, *with_them], key=lambda fact: (-fact.support, -len(fact.episodes), fact.subject))
    apart = [fact for fact in with_them if fact.subject not in installed]
    brought = [fact for fact in all_ if fact not in apart]
    command = _PLAIN + " ".join(dict.fromkeys(fact.do.removeprefix(_PLAIN) or fact.subject for fact in brought))
    pronoun = "it" if len(brought) == 1 else "them"
    text = f"A fresh environment lacks {_listed(brought)}: `{command}` brings {pronoun}."
    if apart:
        text = f"{text.rstrip('.')}; it also lacks {_listed(apart)}, which no run was seen to install."
    absent = [clause for fact in plain for clause in fact.text.rstrip(".").split("; ")[1:] if "there is no" in clause]
    if absent:
        text = f"{text.rstrip('.')}; {'; '.join(absent)}."
    return Fact(
        topic="setup",
        subject=", ".join(fact.subject for fact in all_),
        text=text,
        do=command,
        support=max(fact.support for fact in all_),
        of=max(fact.of for fact in all_),
        first_seen=min(fact.first_seen for fact in all_),
        last_seen=max(fact.last_seen for fact in all_),
        episodes=tuple(dict.fromkeys(episode for fact in all_ for episode in fact.episodes)),
    )


def _listed(facts: Sequence[Fact]) -> str:
    return ", ".join(f"`{fact.subject}` ({fact.support} of {tasks(fact.of)})" for fact in facts)

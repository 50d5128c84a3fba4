"""This module proves that what strangers wrote reaches no agent as an instruction, through none of the doors."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from memory_cli.proofs.lab import Lab, Proof
from memory_cli.proofs.poison_doors import GROUPS, PAYLOADS, Poisoned, Words, word_of
from memory_mcp.hooks.fence import CLOSING, OPENING

_SOURCE = re.compile(r"Commit [0-9a-f]{7,64}( by “[^“”]*”)? \(\d{4}-\d\d-\d\d\):")
_LABEL = "(reported by an agent, unconfirmed)"
_SPANS = re.compile(r"“[^“”]*”|`[^`]*`")
Doors = Callable[[Poisoned, Callable[[str], Words]], Iterator[str]]


class Found(Struct):
    """What reached an agent of one door's payloads: told as quotations, as instructions, in labelled answers or not."""

    payloads: int = 0
    quoted: int = 0
    answered: int = 0
    leaks: tuple[str, ...] = ()


def prove_poison(lab: Lab, progress: Callable[[], object]) -> list[Proof]:
    """Bring every payload through every door, and read what a briefing, prompts, warnings and tools then say."""
    proofs = []
    for doors in GROUPS.values():
        started = time.perf_counter()
        found = poisoned(lab, doors)
        seconds = round((time.perf_counter() - started) / max(len(found), 1), 2)
        proofs += [_proof(door, each, seconds) for door, each in found.items()]
        progress()
    return proofs


def poisoned(lab: Lab, doors: Doors, payloads: dict[str, str] = PAYLOADS) -> dict[str, Found]:
    """Bring payloads through some doors into one memory, and return what reached an agent, door by door."""
    place = Poisoned(lab)

    def given(door: str) -> Words:
        return {name: text.replace("{}", word_of(door, name)) for name, text in payloads.items()}

    names = list(doors(place, given))
    found = {door: Found(len(payloads)) for door in names}
    words = {word_of(door, name): door for door in names for name in payloads}
    for text in _told(place, list(words)):
        for word, door in words.items():
            if word in text.lower():
                leaks = instructions(text, word)
                found[door].leaks += tuple(leaks)
                found[door].quoted += not leaks
    for word, hits in _answers(place, list(words)):
        bare = [hit for hit in hits if word in json.dumps(hit).lower() and not _is_labelled(hit, words[word])]
        found[words[word]].leaks += tuple(f"query_memory, without a label: {json.dumps(hit)[:200]}" for hit in bare)
        found[words[word]].answered += bool(hits) and not bare
    return found


def instructions(text: str, word: str) -> list[str]:
    """Return the lines of what an agent was told that hold a word outside of a labelled quotation.

    A quotation is a line of a list, inside the one fence, below a heading that names its commit; or its marks stand
    around the word; or it is said to be an agent's report.
    """
    lines = text.split("\n")
    is_whole = text.count(CLOSING) == text.count(OPENING.partition("\n")[0]) and text.endswith(CLOSING)
    heading = ""
    found = []
    for line in lines:
        is_listed = line.startswith("- ")
        heading = heading if is_listed else line
        if word not in line.lower():
            continue
        is_sourced = _SOURCE.fullmatch(heading) is not None
        is_marked = is_listed and (_LABEL in line or word not in _SPANS.sub("", line).lower())
        if not (is_whole and (is_sourced or is_marked)):
            found.append(line)
    return found


def _told(place: Poisoned, words: list[str]) -> Iterator[str]:
    """Yield all that a new session is told without asking: at its start, with prompts, before actions."""
    yield place.hook("SessionStart", "victim", source="startup")
    for number, word in enumerate(words):
        session = f"victim{number}"
        asked = f"How do we deploy {word}, and which rule holds for the tests, the push and make {word}?"
        yield place.hook("UserPromptSubmit", session, prompt=asked)
        edit = {"file_path": str(place.files / "clone" / "billing.py"), "old_string": word, "new_string": f"{word}()"}
        yield place.hook("PreToolUse", session, tool_name="Edit", tool_input=edit)
    for clone in (place.files / "clone", place.files / "other-clone"):
        for session in ("first", "second") if clone.is_dir() else ():
            yield place.start_in(clone, f"{session} in {clone.name}")
    yield place.hook("PreToolUse", "victim", tool_name="Bash", tool_input={"command": "pytest tests/billing"})
    yield place.hook("SessionStart", "heir", source="startup")


def _answers(place: Poisoned, words: list[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the hits of a question for each word."""
    with place.lab.server(place.home) as server:
        for word in words:
            yield word, server.call("query_memory", query=f"what about {word}?").get("hits", [])
        server.close_input()


def _is_labelled(hit: dict[str, Any], door: str) -> bool:
    return "by" in hit or door in {"commit", "merge", "clone"} or hit.get("kind") == "pattern"


def _proof(door: str, found: Found, seconds: float) -> Proof:
    detail = f"{found.payloads} payloads: {found.quoted} times quoted, {found.answered} found by search with a label"
    if found.leaks:
        detail = f"{len(found.leaks)} as instructions, first: {found.leaks[0][:160]}"
    return Proof(f"poison through {door} reaches no agent as an instruction", not found.leaks, detail, seconds)

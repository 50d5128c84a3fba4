"""This module finds what was decided for the place of an edit, and what is changed with it, where that is sure."""

import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from memory_mcp.actions.steps import Action
from memory_mcp.expressions import expression
from memory_mcp.hooks.companions import companions, is_source
from memory_mcp.hooks.fence import cost
from memory_mcp.hooks.quotes import decisions_about, decisions_of, quoted, source_of, successors
from memory_mcp.hooks.quoting import as_code, is_harmless
from memory_mcp.memory import Memory
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.decisions import Decision
from memory_mcp.telling import handles
from memory_mcp.telling.choosing import Spoken, chosen

_TOGETHER = "Usually changed together:"

_DEFINED = expression(r"\b(?:def|class|func|function|fn|struct|interface|type|const|let|var)\s+\*?([A-Za-z_]\w{2,})")
_CODE_NAME = expression(r"\b(?:[A-Za-z]+_\w+|_\w{3,}|[a-z]+[A-Z]\w+|[A-Z][a-z0-9]+[A-Z]\w*|[A-Z][A-Z0-9_]{3,})\b")
_SEARCHED = 8_000  # characters of an edit
_MOST_NAMES = 120
_FEW = 2  # records that decide about a file, so that each of them is likely to be about the edit
_NARROW = 4  # files that a commit touches which is likely to be about each of them
_CALM = 8  # changes of a file, of which each is likely to matter to the next
_LONG = 6  # letters of a name that is hardly used for two things
_MOST_RECORDS = 3
_NAMED = 3.0  # how sure it is where the file and a name of its code meet
_MOST_NAMING = 3  # records that speak of a name which still says what an edit is about
_BUILT_IN = frozenset(dir(builtins))


def place_lines(
    memory: Memory, call: ToolCall, action: Action, told: Collection[str], episode_id: str | None, room: int
) -> Iterator[tuple[str, str, str]]:
    """Yield what is known of the place of an edit as (heading, name, text), as far as so many bytes go."""
    beside = list(_companion_lines(memory, action, episode_id))
    for each in chosen(decided_for(memory, call, action, told), room - sum(cost(text) for _, text in beside)):
        for line in each.lines:
            yield each.record.source, line.name, line.line
    for name, text in beside:
        yield _TOGETHER, name, text


def _companion_lines(memory: Memory, action: Action, episode_id: str | None) -> Iterator[tuple[str, str]]:
    for file in action.files[:1]:
        for each in companions(file, memory.store.digests.seen_only().changes_of(file, besides=episode_id)):
            if is_harmless(each.file):
                told = (
                    f"{as_code(file)} was changed together with {as_code(each.file)}"
                    f" in {each.times} of its last {each.of} changes."
                )
                yield handles.beside(file, each.file), told


def decided_for(memory: Memory, call: ToolCall, action: Action, told: Collection[str]) -> list[Spoken]:
    """Return the records that decided about the file or the functions of an edit, the surest first."""
    text = "\n".join(_texts(call.arguments))[:_SEARCHED]
    defined = frozenset(_DEFINED.findall(text))
    names = frozenset(list(dict.fromkeys((*defined, *_CODE_NAME.findall(text))))[:_MOST_NAMES])
    files = action.files[:1]
    groups: dict[str, list[Decision]] = {}
    for each in decisions_about(memory, files, names):
        groups.setdefault(each.source_id or each.id, []).append(each)
    if files and not is_source(files[0]):
        return []
    names = _specific(names, groups.values())
    is_quiet = all(is_source(file) and len(memory.store.digests.changes_of(file)) <= _CALM for file in files)
    sure = {
        source: _sureness(group, files, names, defined, len(groups), is_quiet=is_quiet)
        for source, group in groups.items()
    }
    spoken = {source: whole for source, group in groups.items() if sure[source] for whole in [_whole(memory, group)]}
    for source, group in [*spoken.items()]:
        for newer in successors(memory, group):
            spoken.setdefault(newer[0].source_id, newer)
            sure[newer[0].source_id] = max(sure.get(newer[0].source_id, 0.0), sure[source])
    found = []
    for source, group in spoken.items():
        standing = [each for each in group if each.is_standing]
        if not is_quiet and sure[source] == _NAMED:
            standing = [each for each in standing if any(name in each.text for name in names)]
        new = [each for each in quoted(memory, standing, is_asked=False) if each.name not in told]
        if new:
            found.append(Spoken(source, source_of(group[0]), sure[source], group[0].said_at, new))
    return sorted(found, key=lambda each: (-each.relevance, -each.said_at))[:_MOST_RECORDS]


def _specific(names: frozenset[str], groups: Iterable[Sequence[Decision]]) -> frozenset[str]:
    """Return the names of which only a few records speak, without those of the language."""
    texts = [" ".join(each.text for each in group) for group in groups]
    return frozenset(
        name for name in names if name not in _BUILT_IN and sum(name in text for text in texts) <= _MOST_NAMING
    )


def _whole(memory: Memory, group: Sequence[Decision]) -> Sequence[Decision]:
    """Return all that a record decided of which some is about a place."""
    return decisions_of(memory, group[0].source_id) if group[0].source_id else group


def _sureness(
    group: Sequence[Decision],
    files: Sequence[str],
    names: frozenset[str],
    defined: frozenset[str],
    records: int,
    *,
    is_quiet: bool,
) -> float:
    """Return how sure it is that a record is about the place: 0 where it may be about anything else in the file."""
    in_file = any(_names_file(each, file) for each in group for file in files)
    spoken = {name for each in group for name in (*each.functions, *each.names) if name in each.text}
    around = {name for each in group for name in (*each.functions, *each.names)}
    if in_file and spoken & names:
        return _NAMED
    if (
        in_file
        and is_quiet
        and (
            any(file.rpartition("/")[2] in each.text for each in group for file in files)
            or (records <= _FEW and any(len(each.files) <= _NARROW for each in group))
        )
    ):
        return 2.0
    # a commit knows its files; a talk or a note may only name the function
    is_commit = group[0].source_kind == "commit"
    if not is_commit and any(len(name) >= _LONG for name in (spoken & names) | (around & defined)):
        return 1.0
    return 0.0


def _names_file(decision: Decision, file: str) -> bool:
    return any(each == file or file.endswith(f"/{each}") or each.endswith(f"/{file}") for each in decision.files)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in the arguments of a call."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)

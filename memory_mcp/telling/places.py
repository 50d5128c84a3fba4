"""This module ranks decisions by the files, functions and names that they speak of."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from memory_mcp.models.decisions import Decision

_SHORTEST_NAME = 3


def written_as(file: str) -> tuple[str, ...]:
    """Return the ways in which a path may be written: whole, and from each of its directories on."""
    parts = file.replace("\\", "/").removeprefix("./").strip("/").split("/")
    return tuple("/".join(parts[start:]) for start in range(len(parts)))


def ranked(
    find: Callable[[Iterable[str]], Mapping[str, Sequence[Decision]]], files: Iterable[str], names: Iterable[str]
) -> list[Decision]:
    """Return decisions that name any of the places: more of them first, a name before a file, then the newer."""
    weights: dict[str, float] = {}
    for file in files:
        for index, way in enumerate(written_as(file)):
            weights.setdefault(way, 1.0 if index == 0 else 0.7)
    for name in names:
        bare = name.removesuffix("()")
        for way in (bare, bare.rpartition(".")[2]):
            if len(way) >= _SHORTEST_NAME:
                weights[way] = 1.5
    found = find(weights)
    scores: dict[str, float] = {}
    decisions: dict[str, Decision] = {}
    for value, named in found.items():
        for each in named:
            scores[each.id] = scores.get(each.id, 0.0) + weights[value]
            decisions[each.id] = each
    return sorted(decisions.values(), key=lambda each: (-scores[each.id], -each.said_at, -each.score, each.id))

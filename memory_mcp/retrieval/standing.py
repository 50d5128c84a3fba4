"""This module puts a record that replaced what another one decided before it."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from memory_mcp.retrieval.repeats import Group

FindReplaced = Callable[[Iterable[int]], Sequence[tuple[int, int]]]


def newer_first(groups: Sequence[Group], talks: Mapping[int, int], find_replaced: FindReplaced) -> list[Group]:
    """Return groups in their order, but a record never behind one whose decision it replaced; a turn is its talk."""
    records = [talks.get(group.best.candidate.key, group.best.candidate.key) for group in groups]
    replaced = find_replaced(dict.fromkeys(records))
    if not replaced:
        return list(groups)
    order = list(range(len(groups)))
    for older, newer in replaced:
        ahead = min(order.index(at) for at, record in enumerate(records) if record == older)
        behind = [at for at in order[ahead:] if records[at] == newer]
        if behind and behind[0] in order[ahead + 1 :]:
            order.remove(behind[0])
            order.insert(ahead, behind[0])
    return [groups[at] for at in order]

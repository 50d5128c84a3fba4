"""This module works on relationships as a graph: order, DOT, indented text; pure functions."""

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

from memory_mcp.models.relationships import Relationship, RelationshipKind
from memory_mcp.visible import visible_line

# of these, the episode that the link starts from comes first; of depends_on and follows, the one that it points to
_FORWARD: frozenset[RelationshipKind] = frozenset(("parent_child", "blocks"))


def topological(relationships: Sequence[Relationship]) -> list[str]:
    """Return the episodes so that each comes after what it builds on; the store refuses circles."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for each in sorted(relationships, key=lambda each: (each.from_id, each.to_id)):
        first, then = (each.from_id, each.to_id) if each.kind in _FORWARD else (each.to_id, each.from_id)
        sorter.add(then, first)
    return list(sorter.static_order())


def dot(relationships: Sequence[Relationship], tasks: Mapping[str, str]) -> str:
    """Return the graph in Graphviz's language."""
    lines = ["digraph memory {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {_quoted(each)} [label={_quoted(task)}];" for each, task in sorted(tasks.items())]
    lines += [
        f"  {_quoted(each.from_id)} -> {_quoted(each.to_id)} [label={_quoted(each.kind)}];" for each in relationships
    ]
    return "\n".join([*lines, "}"])


def neighbours(relationships: Sequence[Relationship], episode_id: str) -> list[tuple[str, str]]:
    """Return (label, id) of every episode linked with one; the label's arrow says which way."""
    return [
        (f"→ {each.kind}", each.to_id) if each.from_id == episode_id else (f"← {each.kind}", each.from_id)
        for each in relationships
        if episode_id in {each.from_id, each.to_id}
    ]


def _quoted(text: str) -> str:
    line = text.splitlines()[0][:60] if text.strip() else ""
    return '"' + visible_line(line).replace("\\", "\\\\").replace('"', '\\"') + '"'

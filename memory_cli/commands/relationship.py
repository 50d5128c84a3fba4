"""This module is `memory-cli relationship`."""

from typing import Annotated, Literal

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.episodes.graphs import dot, neighbours
from memory_mcp.episodes.relationships import Graph
from memory_mcp.models.relationships import Relationship, RelationshipKind

app = typer.Typer(no_args_is_help=True, add_completion=False, help="How episodes belong together.")

From = Annotated[str, typer.Argument(help="The episode that the link starts from.")]
Kind = Annotated[RelationshipKind, typer.Argument(help="Such as follows: FROM follows TO.")]
To = Annotated[str, typer.Argument(help="The episode that the link points to.")]


@app.command()
def add(context: typer.Context, from_id: From, kind: Kind, to_id: To) -> None:
    """Link two episodes; a circle is refused where order matters."""
    with memory_of(context) as memory:
        from_id = memory.store.ids.full(from_id)
        to_id = memory.store.ids.full(to_id)
        added = memory.relationships.add([Relationship(kind, from_id, to_id)])
    show.line("added" if added else "known already")


@app.command()
def remove(context: typer.Context, from_id: From, kind: Kind, to_id: To) -> None:
    """Remove a link."""
    with memory_of(context) as memory:
        from_id = memory.store.ids.full(from_id)
        to_id = memory.store.ids.full(to_id)
        memory.relationships.remove(Relationship(kind, from_id, to_id))
    show.line("removed")


@app.command("list")
def list_(
    context: typer.Context,
    episode: Annotated[str | None, typer.Argument(help="Only those of this episode.")] = None,
    kind: Annotated[RelationshipKind | None, typer.Option(help="Only these.")] = None,
    json: show.Json = False,
) -> None:
    """List relationships."""
    with memory_of(context) as memory:
        episode = memory.store.ids.full(episode) if episode else None
        found = memory.relationships.list(episode, kind)
        project = memory.project
    if json:
        show.as_json(found)
    elif found:
        rows = ((each.from_id, each.kind, each.to_id) for each in found)
        show.table(f"Relationships of {episode or project}", ("from", "kind", "to"), rows)
    else:
        show.line(f"No relationships of {episode or project}. Add one with 'memory-cli relationship add FROM KIND TO'.")


@app.command()
def graph(
    context: typer.Context,
    episode: Annotated[str, typer.Argument(help="The episode in the middle.")],
    depth: Annotated[int, typer.Option(min=1, max=20, help="How many links away.")] = 2,
    form: Annotated[Literal["tree", "dot", "json"], typer.Option(help="How to show it.")] = "tree",
) -> None:
    """Show the episodes around one, as a tree, for Graphviz or as JSON."""
    with memory_of(context) as memory:
        episode = memory.store.ids.full(episode)
        found = memory.relationships.around(episode, depth)
    if form == "json":
        show.as_json(found)
    elif form == "dot":
        show.line(dot(found.relationships, found.tasks))
    else:
        show.tree(_tree(found))


@app.command()
def order(
    context: typer.Context,
    kind: Annotated[RelationshipKind, typer.Argument(help="A kind in which order matters.")],
    json: show.Json = False,
) -> None:
    """Print the ids of all episodes linked by a kind, what comes first before what builds on it."""
    with memory_of(context) as memory:
        found = memory.relationships.order(kind)
    if json:
        show.as_json(found)
        return
    for each in found:
        show.line(each)


def _tree(found: Graph) -> show.Branch:
    """Hang every episode below the nearest one that leads to it."""

    def label(link: str, episode_id: str) -> str:
        return f"{link} {episode_id}  {show.first_line(found.tasks.get(episode_id, ''), 70)}".strip()

    root = show.Branch(label("", found.root))
    hung = {found.root: root}
    for depth in range(1, max(found.depths.values(), default=0) + 1):
        for parent in [each for each, at in found.depths.items() if at == depth - 1]:
            for link, other in neighbours(found.relationships, parent):
                if other not in hung and found.depths.get(other) == depth:
                    hung[other] = show.Branch(label(link, other))
                    hung[parent].below.append(hung[other])
    return root

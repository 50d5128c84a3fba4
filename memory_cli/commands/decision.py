"""This module is `memory-cli decision`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.commands import hits
from memory_cli.opening import memory_of
from memory_mcp.memory import Memory
from memory_mcp.models.decisions import Decision, DecisionFilter
from memory_mcp.models.recall import Query, Scope

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="What was decided, as found in commits, conversations, tasks and notes, and what replaced it.",
)

Id = Annotated[str, typer.Argument(help="The decision's id; 'decision list' shows it.")]
_SHORT_HASH = 10


@app.command("list")
def list_(
    context: typer.Context,
    file: Annotated[str, typer.Option(help="Only those that speak of this file.")] = "",
    name: Annotated[str, typer.Option(help="Only those that speak of this function or name.")] = "",
    source: Annotated[str, typer.Option(help="Only those of this record: the id of an episode, a note.")] = "",
    replaced: Annotated[bool, typer.Option("--replaced", help="Those that a newer one replaced.")] = False,
    retired: Annotated[bool, typer.Option("--retired", help="Those that were retired.")] = False,
    contradicting: Annotated[
        bool, typer.Option("--contradicting", help="Only those that contradict another one.")
    ] = False,
    added: Annotated[bool, typer.Option("--added", help="Only those that somebody added.")] = False,
    limit: Annotated[int, typer.Option(help="Rows of one page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json: show.Json = False,
) -> None:
    """List the decisions that stand, newest first."""
    with memory_of(context) as memory:
        memory.decisions.catch_up(float("inf"))
        chosen = DecisionFilter(
            file=file,
            name=name,
            source_id=memory.store.ids.full(source) if source else "",
            replaced=replaced,
            retired=retired,
            contradicting=contradicting,
            added=added,
        )
        page = memory.decisions.list(chosen, limit=limit, cursor=cursor)
        project = memory.project
    if json:
        show.as_json(page)
        return
    if page.decisions:
        show.table(
            f"Decisions of {project}",
            ("id", "said", "source", "text"),
            ((each.id, show.day(each.said_at), source_of(each), each.text) for each in page.decisions),
        )
    else:
        show.line(f"No such decisions in project {project}. Add one with 'memory-cli decision add TEXT'.")
    if page.next_cursor:
        show.line(f"More: --cursor {page.next_cursor}")


@app.command()
def view(context: typer.Context, decision_id: Id, json: show.Json = False) -> None:
    """Show a decision: its words, where it applies, where it comes from, and what replaced it."""
    with memory_of(context) as memory:
        memory.decisions.catch_up(float("inf"))
        found = memory.decisions.get(memory.store.ids.full(decision_id))
        others = _others(memory, found)
    if json:
        show.as_json(found)
        return
    show.line(found.text)
    rows = (
        ("id", found.id),
        ("said", f"{show.day(found.said_at)} {source_of(found)}"),
        ("whose word", f"{found.voice} {found.who}".strip()),
        ("source", found.source_id),
        ("files", " ".join(found.files)),
        ("functions", " ".join(found.functions)),
        ("names", " ".join(found.names)),
        ("retired", show.day(found.retired_at)),
        *others,
    )
    for label, value in rows:
        if value:
            show.line(f"{label:>12}  {value}")


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A question in plain words.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most hits.")] = 10,
    scope: Annotated[Scope, typer.Option(help="all: other projects too.")] = "project",
    explain: hits.Explain = False,
    json: show.Json = False,
) -> None:
    """Rank the decisions that stand for a question."""
    with memory_of(context) as memory:
        memory.decisions.catch_up(float("inf"))
    hits.answer(context, Query(query, limit=limit, scope=scope, kinds=("decision",)), as_json=json, explain=explain)


@app.command()
def add(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What is decided, in whole sentences.")],
    file: Annotated[list[str] | None, typer.Option(help="A file that it applies to. Repeatable.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="A function or name that it applies to. Repeatable.")] = None,
    replaces: Annotated[list[str] | None, typer.Option(help="Id of a decision that it replaces. Repeatable.")] = None,
    is_global: Annotated[bool, typer.Option("--global", help="Visible in every project.")] = False,
) -> None:
    """Keep a decision, as a note, and print its id."""
    with memory_of(context) as memory:
        older = [memory.store.ids.full(each) for each in replaces or ()]
        made, _ = memory.decisions.add(text, files=file or (), names=name or (), replaces=older, is_global=is_global)
    show.line(made.id)


@app.command()
def retire(
    context: typer.Context,
    decision_id: Id,
    undo: Annotated[bool, typer.Option("--undo", help="Let a retired one hold again.")] = False,
) -> None:
    """Mark a decision as one that holds no more; it is told no more, and stays so when it is found again."""
    with memory_of(context) as memory:
        decision_id = memory.store.ids.full(decision_id)
        receipt = memory.decisions.restore(decision_id) if undo else memory.decisions.retire(decision_id)
    show.line(f"{'restored' if undo else 'retired'}, sequence {receipt.sequence}")


@app.command()
def settle(
    context: typer.Context,
    decision_id: Id,
    other_id: Annotated[str, typer.Argument(help="The decision that it replaces.")],
    both: Annotated[bool, typer.Option("--both", help="Neither replaces the other: both stand.")] = False,
) -> None:
    """Say that a decision replaces another one, or that both stand."""
    with memory_of(context) as memory:
        decision_id, other_id = memory.store.ids.full(decision_id), memory.store.ids.full(other_id)
        receipt = memory.decisions.settle(decision_id, other_id, both=both)
    show.line(f"settled, sequence {receipt.sequence}")


@app.command()
def extract(
    context: typer.Context,
    anew: Annotated[
        bool, typer.Option("--anew", help="From every record again; what was added, retired or settled stays.")
    ] = False,
    json: show.Json = False,
) -> None:
    """Find the decisions of the records that changed; the server does so by itself."""
    with memory_of(context) as memory, show.progress() as bar:
        task = bar.add_task("decisions", total=None)
        if anew:
            memory.decisions.renew(lambda count: bar.advance(task, count))
        else:
            memory.decisions.follow(progress=lambda count: bar.advance(task, count))
        count = memory.store.project_counts()["decisions"]
    if json:
        show.as_json({"decisions": count})
    else:
        show.line(f"{count} decisions")


def source_of(decision: Decision) -> str:
    """Name where a decision comes from: its commit, or the kind of record."""
    if decision.source_kind == "commit":
        return f"commit {decision.origin[:_SHORT_HASH]}"
    return decision.source_kind


def _others(memory: Memory, decision: Decision) -> list[tuple[str, str]]:
    """Return the decisions that stand against this one, in their words."""
    ids = [("replaced by", decision.replaced_by)] if decision.replaced_by else []
    ids += [("contradicts", each) for each in decision.contradicts]
    return [(label, f"{each}  {memory.decisions.get(each).text}") for label, each in ids]

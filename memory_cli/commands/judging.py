"""This module is `memory-cli feedback`, `lift` and `check`: what came of advice, and what is known to fail."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.clock import iso
from memory_mcp.learning.lift import lift as lift_of
from memory_mcp.models.recommendations import Judgement
from memory_mcp.patterns import dead_ends


def feedback(
    context: typer.Context,
    judgement: Annotated[Judgement, typer.Argument(help="What came of it.")],
    recommendation: Annotated[str | None, typer.Argument(help="Id of the recommendation or playbook.")] = None,
    pattern: Annotated[list[str] | None, typer.Option(help="Only this pattern (or episode); repeatable.")] = None,
    rating: Annotated[int | None, typer.Option(min=1, max=5, help="1 (bad) to 5 (good).")] = None,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    json: show.Json = False,
) -> None:
    """Judge advice; it moves the ranking of what was acted on."""
    with memory_of(context) as memory:
        recommendation = memory.store.ids.full(recommendation) if recommendation else None
        pattern = [memory.store.ids.full(each) for each in pattern or ()]
        judged = memory.advice.judge(
            judgement, recommendation_id=recommendation, document_ids=pattern or (), rating=rating, note=note
        )
    if json:
        show.as_json(judged)
        return
    for each in judged.document_ids:
        tally = judged.tallies.get(each)
        show.line(f"{each}  followed {tally.uses}×, {tally.wins:g} went well" if tally else each)
    if not judged.document_ids:
        show.line("recorded; it counts for no pattern: nothing of it was recommended here and acted on")


def lift(context: typer.Context, json: show.Json = False) -> None:
    """Compare episodes that recall helped with those from which it was withheld (learning.withhold_share)."""
    with memory_of(context) as memory:
        memory.learning.catch_up(float("inf"))
        found = lift_of(memory.store.digests.exposures(), memory.settings.learning.lift_least)
    if json:
        show.as_json(found)
        return
    if found.message:
        show.line(found.message)
        return
    show.table(
        f"With recall ({found.given} episodes) less without ({found.withheld})",
        ("what", "with", "without", "difference", "95 % interval"),
        (
            (
                each.name,
                f"{each.given:.2f}",
                f"{each.withheld:.2f}",
                f"{each.difference:+.2f}",
                f"{each.low:+.2f} … {each.high:+.2f}",
            )
            for each in found.differences
        ),
    )


def check(
    context: typer.Context,
    command: Annotated[str, typer.Argument(help="The command about to be run.")] = "",
    file: Annotated[str, typer.Option(help="The file about to be edited.")] = "",
    tool: Annotated[str, typer.Option(help="The tool, where it is no shell or editor.")] = "",
    episode: Annotated[str, typer.Option(help="The episode of this session, whose steps count too.")] = "",
    json: show.Json = False,
) -> None:
    """Say how a command or an edit failed before and what ended the error; silent where it passed last."""
    step = dead_ends.planned(tool, command, file)
    with memory_of(context) as memory:
        pending = memory.learning.count_left(float("inf"))
        found = dead_ends.check_in(memory.store, step, episode or None, pending=pending, root=memory.root)
    if json:
        show.as_json(found)
        return
    for each in found.dead_ends:
        show.line(f"failed {dead_ends.frequency(each)}, last {iso(each.last_seen)[:10]}: {each.action}")
        show.line(f"  error: {show.first_line(each.error, 140)}")
        for line in each.instead:
            show.line(f"  ended by: {line}")
        show.line(f"  from: {' '.join(each.episodes)}")

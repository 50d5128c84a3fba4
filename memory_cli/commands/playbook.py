"""This module is `memory-cli playbook`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.episodes.outcomes import named
from memory_mcp.models.episodes import Context
from memory_mcp.models.recommendations import Playbook, Wanted, is_empty

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Ordered steps for a task, from what worked before.")


@app.command()
def recommend(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="The task, in plain words.")],
    task_type: Annotated[str, typer.Option("--type", help="Such as bug_fix.")] = "",
    domain: Annotated[str, typer.Option(help="Subject area.")] = "",
    language: Annotated[str, typer.Option(help="Programming language.")] = "",
    framework: Annotated[str, typer.Option(help="Framework.")] = "",
    episode: Annotated[str | None, typer.Option(help="Remember it for this episode's credit.")] = None,
    json: show.Json = False,
) -> None:
    """Make a playbook for a task and keep it."""
    with memory_of(context) as memory:
        episode = memory.store.ids.full(episode) if episode else None
        memory.learning.catch_up(float("inf"))
        wanted = Wanted(task, Context(domain, language, framework), task_type)
        playbook = memory.advice.playbook(wanted, episode_id=episode)
    _shown(playbook, as_json=json)


@app.command()
def view(
    context: typer.Context,
    playbook_id: Annotated[str, typer.Argument(help="The playbook's id; 'playbook list' shows it.")],
    json: show.Json = False,
) -> None:
    """Show a playbook again."""
    with memory_of(context) as memory:
        playbook_id = memory.store.ids.full(playbook_id)
        playbook = memory.advice.find_playbook(playbook_id)
    _shown(playbook, as_json=json)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most playbooks.")] = 20,
    json: show.Json = False,
) -> None:
    """List the playbooks made so far, newest first."""
    with memory_of(context) as memory:
        made = memory.store.recommendations.list("playbook", limit)
        project = memory.project
    if json:
        show.as_json(made)
        return
    if not made:
        show.line(f"No playbooks in project {project}. Make one with 'memory-cli playbook recommend TASK'.")
        return
    show.table(
        f"Playbooks of {project}",
        ("id", "made", "steps", "episode", "task"),
        (
            (
                each.id,
                show.day(each.made_at),
                len(each.playbook.steps) if each.playbook else 0,
                each.episode_id or "",
                show.first_line(each.task),
            )
            for each in made
        ),
    )


def _known(playbook: Playbook) -> None:
    for fact in playbook.facts:
        show.line(f"fact: {fact.text}")
    for file in playbook.files:
        show.line(f"file: {file.file}  ({'; '.join(file.why)})" if file.why else f"file: {file.file}")
    if playbook.caution:
        show.line(f"caution: {playbook.caution}")


def _shown(playbook: Playbook, *, as_json: bool) -> None:
    if as_json:
        show.as_json(playbook)
        return
    if is_empty(playbook):
        show.line(f"{playbook.task}: {playbook.message}.")
        return
    show.line(f"{playbook.id}  {show.first_line(playbook.task)}")
    _known(playbook)
    for number, step in enumerate(playbook.steps, 1):
        of = "episodes" if step.action == "fix" else f"of {len(playbook.sources)} similar episodes"
        show.line(f"{number:>3}. {step.do}  [in {step.support} {of}]")
        if step.note:
            show.line(f"     {step.note}")
    for pitfall in playbook.pitfalls:
        tried = f" in {len(pitfall.episodes)} of {pitfall.tried} episodes that tried it" if pitfall.tried else ""
        show.line(f"pitfall: {pitfall.action} failed {pitfall.times}×{tried}: {show.first_line(pitfall.error, 100)}")
        if pitfall.instead:
            show.line(f"     instead: {' ; '.join(pitfall.instead)}")
    for source in playbook.sources:
        went = named(source.outcome or "active", source.evidence)
        show.line(f"source: {source.episode_id}  {went}  {show.first_line(source.task, 80)}")
    show.line(
        f"note: {playbook.message}" if playbook.message else f"Judge it: memory-cli feedback helped {playbook.id}"
    )

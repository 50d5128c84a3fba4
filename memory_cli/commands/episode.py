"""This module is `memory-cli episode`."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from memory_cli import show
from memory_cli.commands import hits
from memory_cli.opening import memory_of
from memory_mcp.clock import iso
from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.episodes.outcomes import named, outcome_of, result_of
from memory_mcp.models.episodes import (
    Complexity,
    Context,
    Episode,
    EpisodeFilter,
    Failure,
    OutcomeType,
    Status,
    Step,
    StepError,
    StepSuccess,
    StepTimeout,
)
from memory_mcp.models.moments import parse_moment
from memory_mcp.models.patterns import title_of
from memory_mcp.models.recall import Query, Scope
from memory_mcp.patterns.wording import evidence_sentence

if TYPE_CHECKING:
    from memory_mcp.learning.learner import Completed

_SHOWN_PATTERNS = 8

_EVIDENCE = {
    "shown": "shown: the last tests or builds after the last change say so",
    "user": "user: the user confirmed it, or kept the commit",
    "claimed": "claimed: somebody said so; it counts for nothing in what is learnt",
}
app = typer.Typer(no_args_is_help=True, add_completion=False, help="Tasks with their steps and outcomes.")

Id = Annotated[str, typer.Argument(help="The episode's id; 'episode list' shows it.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Repeatable.")]


@app.command()
def create(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="The task, in a sentence.")],
    task_type: Annotated[str, typer.Option("--type", help="Such as bug_fix, feature, testing.")] = "",
    domain: Annotated[str, typer.Option(help="Subject area.")] = "",
    language: Annotated[str, typer.Option(help="Programming language.")] = "",
    framework: Annotated[str, typer.Option(help="Framework.")] = "",
    complexity: Annotated[Complexity | None, typer.Option(help="How hard it looks.")] = None,
    tag: Tags = None,
) -> None:
    """Start an episode and print its id."""
    place = Context(domain, language, framework, complexity, tuple(tag or ()))
    with memory_of(context) as memory:
        episode, _ = memory.episodes.start(task, task_type=task_type, context=place)
    show.line(episode.id)


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    outcome: Annotated[OutcomeType | None, typer.Option(help="Only these.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only this subject area.")] = None,
    task_type: Annotated[str | None, typer.Option("--type", help="Only this type.")] = None,
    language: Annotated[str | None, typer.Option(help="Only this language.")] = None,
    tag: Tags = None,
    since: Annotated[str | None, typer.Option(help="2026-01-31, an ISO time, or an age such as 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="As --since.")] = None,
    limit: Annotated[int, typer.Option(help="Rows of one page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json: show.Json = False,
) -> None:
    """List episodes, newest first."""
    with memory_of(context) as memory:
        now = memory.clock.now()
        chosen = EpisodeFilter(
            status=status,
            outcome=outcome,
            domain=domain,
            task_type=task_type,
            language=language,
            tags=tuple(tag or ()),
            since=parse_moment(since, now=now) if since else None,
            until=parse_moment(until, now=now) if until else None,
        )
        page = memory.episodes.list(chosen, limit=limit, cursor=cursor)
        project = memory.project
    if json:
        show.as_json(page)
        return
    if not page.episodes:
        show.line(f"No episodes in project {project}. Start one with 'memory-cli episode create TASK',")
        show.line("or bring in a history with 'memory-cli import git'.")
    else:
        show.table(
            f"Episodes of {project}",
            ("id", "started", "outcome", "type", "steps", "reward", "task"),
            (
                (
                    row.id,
                    show.day(row.started_at),
                    named(
                        row.outcome or ("unknown" if row.origin else "active"), row.evidence
                    ),  # what was imported is over
                    row.task_type,
                    row.step_count,
                    "" if row.reward is None else f"{row.reward:.2f}",
                    show.first_line(row.task),
                )
                for row in page.episodes
            ),
        )
    if page.damaged:
        show.line(f"{page.damaged} damaged episodes were set aside; 'memory-cli health' tells more.")
    if page.next_cursor:
        show.line(f"More: --cursor {page.next_cursor}")


@app.command()
def view(
    context: typer.Context,
    episode_id: Id,
    timeline: Annotated[bool, typer.Option("--timeline", help="One line per step.")] = False,
    json: show.Json = False,
) -> None:
    """Show an episode whole."""
    with memory_of(context) as memory:
        episode_id = memory.store.ids.full(episode_id)
        episode = memory.episodes.get(episode_id)
        related = memory.relationships.list(episode_id)
    if json:
        built = msgspec.to_builtins(episode)
        show.as_json({**built, "status": episode.status, "relationships": msgspec.to_builtins(related)})
        return
    _head(episode)
    for each in related:
        other = each.to_id if each.from_id == episode.id else each.from_id
        show.line(f"{'→' if each.from_id == episode.id else '←'} {each.kind} {other}")
    for number, step in enumerate(episode.steps, 1):
        _step(number, step, episode.started_at, timeline=timeline)


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A task, an error text or a question.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most hits.")] = 10,
    domain: Annotated[str | None, typer.Option(help="Only this subject area.")] = None,
    task_type: Annotated[str | None, typer.Option("--type", help="Only this type.")] = None,
    tag: Tags = None,
    scope: Annotated[Scope, typer.Option(help="all: other projects too.")] = "project",
    fresh: Annotated[bool, typer.Option("--fresh", help="Only where no touched file has changed since.")] = False,
    explain: hits.Explain = False,
    json: show.Json = False,
) -> None:
    """Rank episodes for a question."""
    chosen = EpisodeFilter(domain=domain, task_type=task_type, tags=tuple(tag or ()))
    asked = Query(query, limit=limit, filter=chosen, scope=scope, kinds=("episode",), fresh_only=fresh)
    hits.answer(context, asked, as_json=json, explain=explain)


@app.command("log-step")
def log_step(
    context: typer.Context,
    episode_id: Id,
    tool: Annotated[str, typer.Argument(help="The tool used, such as bash.")],
    action: Annotated[str, typer.Argument(help="The command or change.")],
    result: Annotated[Literal["success", "error", "timeout"] | None, typer.Option(help="How it went.")] = None,
    output: Annotated[str, typer.Option(help="Output, or the error's message; - reads standard input.")] = "",
    parameters: Annotated[str, typer.Option(help="A JSON object.")] = "{}",
    latency_ms: Annotated[float | None, typer.Option(min=0, help="Milliseconds it took.")] = None,
) -> None:
    """Append a step to an active episode."""
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if output == "-" else output
    try:
        given = msgspec.json.decode(parameters, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise typer.BadParameter(f"no JSON object: {error}", param_hint="--parameters") from error
    if text and result is None:
        raise typer.BadParameter("say --result success, error or timeout with an output", param_hint="--output")
    outcome = result_of(result, text) if result else None
    with memory_of(context) as memory:
        episode_id = memory.store.ids.full(episode_id)
        receipt = memory.episodes.append(episode_id, [Step(tool, action, given, outcome, latency_ms)])
    show.line(f"recorded, sequence {receipt.sequence}")


@app.command()
def complete(
    context: typer.Context,
    episode_id: Id,
    outcome: Annotated[OutcomeType, typer.Option(help="How it ended.")] = "success",
    verdict: Annotated[str, typer.Option(help="What was learnt.")] = "",
    reason: Annotated[str, typer.Option(help="Why it failed or was given back.")] = "",
    artifact: Annotated[list[str] | None, typer.Option(help="A file made or changed; repeatable.")] = None,
    completed: Annotated[list[str] | None, typer.Option(help="A part that was done; repeatable.")] = None,
    failed: Annotated[list[str] | None, typer.Option(help="A part that was not; repeatable.")] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="I saw it myself: more than the agent's claim.")
    ] = False,
) -> None:
    """Close an episode with its outcome; it is scored and reflected on."""
    made = outcome_of(
        outcome,
        verdict=verdict,
        reason=reason,
        artifacts=artifact or (),
        completed=completed or (),
        failed=failed or (),
        confirmed=confirmed,
    )
    with memory_of(context) as memory:
        episode_id = memory.store.ids.full(episode_id)
        _completed(memory.learning.complete(episode_id, made))


@app.command()
def fail(context: typer.Context, episode_id: Id, reason: Annotated[str, typer.Argument(help="Why it failed.")]) -> None:
    """Close an episode as failed."""
    with memory_of(context) as memory:
        episode_id = memory.store.ids.full(episode_id)
        _completed(memory.learning.complete(episode_id, Failure(reason=reason)))


@app.command()
def update(
    context: typer.Context,
    episode_id: Id,
    task: Annotated[str | None, typer.Option(help="New task text.")] = None,
    task_type: Annotated[str | None, typer.Option("--type", help="New type.")] = None,
    domain: Annotated[str | None, typer.Option(help="New subject area.")] = None,
    add_tag: Annotated[list[str] | None, typer.Option(help="Tag to add; repeatable.")] = None,
    remove_tag: Annotated[list[str] | None, typer.Option(help="Tag to remove; repeatable.")] = None,
) -> None:
    """Change what is known of the task."""
    changes = Changes(
        task=task,
        task_type=task_type,
        domain=domain,
        add_tags=tuple(add_tag or ()),
        remove_tags=tuple(remove_tag or ()),
    )
    with memory_of(context) as memory:
        episode_id = memory.store.ids.full(episode_id)
        _head(memory.episodes.update(episode_id, changes)[0])


@app.command()
def delete(
    context: typer.Context,
    episode_id: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase an episode from every table and index."""
    with memory_of(context) as memory:
        episode_id = memory.store.ids.full(episode_id)
        episode = memory.episodes.get(episode_id)
        if not yes:
            show.confirm(f"Erase '{show.first_line(episode.task, 60)}' for good?", abort=True)
        receipt = memory.episodes.delete(episode_id)
    show.line(f"deleted, sequence {receipt.sequence}")


def _completed(done: "Completed") -> None:
    """Show the closed episode and what it taught."""
    _head(done.episode)
    for pattern in done.patterns[:_SHOWN_PATTERNS]:
        show.line(f"learnt: {title_of(pattern.definition)}. {evidence_sentence(pattern)}")
    if len(done.patterns) > _SHOWN_PATTERNS:
        show.line(f"learnt: {len(done.patterns) - _SHOWN_PATTERNS} more; 'memory-cli pattern list' shows them")
    if done.duplicate_of:
        show.line(f"repeats episode {done.duplicate_of}, linked as duplicates")
    if done.pending:
        show.line(f"note: learning waits: {done.pending}")


def _head(episode: Episode) -> None:
    is_over = episode.source is not None and episode.source.is_imported and episode.outcome is None
    show.line(f"{episode.id}  {'imported, outcome unknown' if is_over else episode.status}")
    show.line(episode.task)
    context = episode.context
    facts = [episode.task_type, context.domain, context.language, context.framework, context.complexity or ""]
    facts += [f"#{tag}" for tag in context.tags]
    show.line("  ".join(["started " + iso(episode.started_at), *filter(None, facts)]))
    if episode.outcome and episode.reward and episode.reflection:
        reward = episode.reward
        parts = (
            f"outcome {reward.outcome:g} × efficiency {reward.efficiency:g} × complexity {reward.complexity:g} × "
            f"quality {reward.quality:g} + learning bonus {reward.learning_bonus:g}"
        )
        show.line(f"outcome  {msgspec.json.encode(episode.outcome).decode()}")
        show.line(f"evidence {_EVIDENCE[episode.outcome.evidence]}")
        show.line(f"reward   {reward.total:g} = {parts}")
        if reward.typical:
            typical = reward.typical
            show.line(
                f"         against the median of {typical.episodes}: {typical.steps:g} steps, {typical.seconds:g} s"
            )
        for name in ("successes", "improvements", "insights"):
            for sentence in getattr(episode.reflection, name):
                show.line(f"{name[:-1] if name != 'successes' else 'success'}: {sentence}")


def _step(number: int, step: Step, started_at: int, *, timeline: bool) -> None:
    state = {None: "?", StepSuccess: "ok", StepError: "ERROR", StepTimeout: "TIMEOUT"}[
        type(step.result) if step.result else None
    ]
    seconds = max(step.recorded_at - started_at, 0) / 1e6
    show.line(f"{number:>4}. +{seconds:.0f}s [{state}] {step.tool}: {show.first_line(step.action, 110)}")
    if timeline:
        return
    if step.parameters:
        show.line(f"      {msgspec.json.encode(step.parameters).decode()}")
    if step.result:
        text = step.result.output if isinstance(step.result, StepSuccess) else step.result.message
        for each in text.splitlines():
            show.line(f"      | {each}")

"""This module is `memory-cli pattern`."""

from typing import Annotated

import typer

from memory_cli import drawing, show
from memory_cli.opening import memory_of
from memory_mcp.clock import iso
from memory_mcp.facts.rules import rules_of
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context
from memory_mcp.models.patterns import Pattern, PatternFilter, PatternKind, title_of
from memory_mcp.models.recommendations import Wanted
from memory_mcp.patterns.earning import is_earned
from memory_mcp.patterns.heuristics import heuristics
from memory_mcp.patterns.listing import listed
from memory_mcp.patterns.strength import interval, lower_bound
from memory_mcp.patterns.wording import advice, evidence_sentence, examples, not_when, use_sentence

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="What several episodes show alike, and what to make of it."
)

Id = Annotated[str, typer.Argument(help="The pattern's id; 'pattern list' shows it.")]
Kind = Annotated[PatternKind | None, typer.Option(help="Only these.")]
_COLUMNS = ("id", "kind", "episodes", "well", "at least", "reward ±", "pattern")


@app.command("list")
def list_(
    context: typer.Context,
    kind: Kind = None,
    least: Annotated[
        int, typer.Option("--least", min=1, max=1_000_000, help="Only patterns seen in at least N episodes.")
    ] = 1,
    include_retired: Annotated[bool, typer.Option("--all", help="Unproved and retired ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows of one page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json: show.Json = False,
) -> None:
    """List the patterns whose cure is proved, those of most episodes first.

    Proved means: in two tasks or more, and the 95 % lower bound of getting past the error with it is above what happens
    without it. 'at least' is the 95 % lower bound of going well.
    """
    with memory_of(context) as memory:
        _follow(memory)
        chosen = PatternFilter(kind=kind, least_uses=least, include_retired=include_retired)
        store = memory.store.patterns
        page = listed(store, chosen, (lambda _: True) if include_retired else is_earned, limit=limit, cursor=cursor)
        unproved = 0 if page.patterns else sum(numbers[0] for numbers in store.counts().values())
        project = memory.project
    if json:
        show.as_json(page)
        return
    if page.patterns:
        show.table(f"Patterns of {project}", _COLUMNS, (_row(pattern) for pattern in page.patterns))
    elif unproved and not include_retired:
        show.line(f"No proved patterns in project {project}; {unproved} not proved: 'pattern list --all' shows them.")
    else:
        show.line(f"No patterns in project {project}. They come from completed episodes: record some,")
        show.line("or bring in a history with 'memory-cli import git'.")
    if page.next_cursor:
        show.line(f"More: --cursor {page.next_cursor}")


@app.command()
def view(context: typer.Context, pattern_id: Id, json: show.Json = False) -> None:
    """Show a pattern with its evidence, rules, and when not to apply it."""
    with memory_of(context) as memory:
        pattern_id = memory.store.ids.full(pattern_id)
        pattern = memory.store.patterns.get(pattern_id)
    if json:
        show.as_json(pattern)
        return
    show.line(f"{pattern.id}  {pattern.kind}{'  retired' if pattern.retired_at else ''}")
    _explained(pattern)
    for rule in heuristics(pattern):
        show.line(f"rule: {rule.condition}: {rule.action} ({rule.times} of {rule.of})")
    if pattern.reward_difference is not None:
        show.line(f"its episodes' mean reward differs from that of all others by {pattern.reward_difference:+.2f}")
    for definition in pattern.also:
        show.line(f"also seen as: {title_of(definition)}")
    for each in pattern.evidence:
        task = show.first_line(each.task, 80)
        show.line(f"  {each.episode_id}  {iso(each.seen_at)[:10]}  {drawing.mark(each.share)}  {task}")


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A task, a command, a file or an error.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most patterns.")] = 10,
    json: show.Json = False,
) -> None:
    """Find patterns by text."""
    with memory_of(context) as memory:
        _follow(memory)
        found = memory.recommender.search(query, limit)
    if json:
        show.as_json(
            [{"pattern": pattern, "relevance": hit.relevance, "matched": hit.matched} for pattern, hit in found]
        )
    elif found:
        show.table(query, _COLUMNS, (_row(pattern) for pattern, _ in found))
    else:
        show.line(f"{query}: no pattern is known for this.")


@app.command()
def recommend(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="The task, or an error.")],
    task_type: Annotated[str, typer.Option("--type", help="Such as bug_fix.")] = "",
    domain: Annotated[str, typer.Option(help="Subject area.")] = "",
    language: Annotated[str, typer.Option(help="Programming language.")] = "",
    framework: Annotated[str, typer.Option(help="Framework.")] = "",
    episode: Annotated[str | None, typer.Option(help="Remember it for this episode's credit.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Most patterns.")] = 5,
    json: show.Json = False,
) -> None:
    """Recommend patterns for a task: why, from which episodes, and when not."""
    wanted = Wanted(task, Context(domain, language, framework), task_type, limit)
    with memory_of(context) as memory:
        episode = memory.store.ids.full(episode) if episode else None
        _follow(memory)
        given = memory.advice.patterns(wanted, episode_id=episode)
    if json:
        show.as_json(given)
        return
    for number, each in enumerate(given.patterns, 1):
        parts = ", ".join(f"{name} {value:.2f}" for name, value in each.parts.items() if value)
        show.line(f"{number}. {each.pattern.id}  score {each.score:.2f} = {parts}")
        _explained(each.pattern, each.why, each.not_when)
    if given.message:
        show.line(f"note: {given.message}" if given.patterns else f"{task}: {given.message}.")
    else:
        show.line(f"Judge it: memory-cli feedback helped {given.recommendation_id}")


@app.command()
def analyze(context: typer.Context, kind: Kind = None, json: show.Json = False) -> None:
    """Show how this project's episodes went over time, and the rules that its patterns bear out."""
    with memory_of(context) as memory:
        _follow(memory)
        progress = memory.store.digests.progress()
        page = listed(memory.store.patterns, PatternFilter(kind=kind, least_uses=2), is_earned, limit=200)
        facts = memory.facts.list() if kind in {None, "context_pattern"} else []
        project = memory.project
    rules = [rule for pattern in page.patterns for rule in heuristics(pattern)[:2]] + rules_of(facts)
    rules.sort(key=lambda rule: (-interval(rule.times, rule.of)[0], rule.condition, rule.action))
    if json:
        show.as_json({"episodes": len(progress), "rules": rules})
        return
    if not progress:
        show.line(f"No completed episodes in project {project}, so there is nothing to analyze.")
        return
    for name, at in (("success", 1), ("steps", 2), ("retries", 3)):
        values = [float(row[at]) for row in progress]
        line, low, high = drawing.sparkline(values)
        show.line(f"{name:>8}  {line}  {low:.2f} … {high:.2f} (mean of each of {len(line)} stretches)")
    show.line(f"{len(progress)} completed episodes, {iso(progress[0][0])[:10]} to {iso(progress[-1][0])[:10]}")
    shown = rules[:20]
    show.table(
        "Rules",
        ("tasks", "of", "when", "do"),
        ((rule.times, rule.of, rule.condition, show.first_line(rule.action, 80)) for rule in shown),
    )


@app.command()
def effectiveness(
    context: typer.Context,
    kind: Kind = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most patterns.")] = 20,
    json: show.Json = False,
) -> None:
    """Show how much each pattern proves: the 95 % interval of going well, as a bar."""
    with memory_of(context) as memory:
        _follow(memory)
        page = listed(memory.store.patterns, PatternFilter(kind=kind), is_earned, limit=1000)
        counts = memory.store.recommendations.counts()
    ranked = sorted(page.patterns, key=lambda each: (-lower_bound(each.tally), -each.tally.uses, each.id))[:limit]
    if json:
        show.as_json({"patterns": ranked, "recommendations": counts})
        return
    show.table(
        "Effectiveness",
        ("pattern", "episodes", "followed", "0 ── going well, 95 % ── 1", "at least", "reward ±"),
        (
            (
                show.first_line(title_of(each.definition), 60),
                each.seen.uses,
                each.followed.uses,
                drawing.bar(*interval(each.tally.wins, each.tally.uses)),
                f"{lower_bound(each.tally):.2f}",
                "" if each.reward_difference is None else f"{each.reward_difference:+.2f}",
            )
            for each in ranked
        ),
    )
    show.line("recommendations: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


@app.command()
def extract(context: typer.Context, json: show.Json = False) -> None:
    """Learn from every episode of the project again, and count what came out."""
    with memory_of(context) as memory, show.progress() as bar:
        task = bar.add_task("episodes", total=memory.store.project_counts()["episodes"])
        memory.learning.relearn(lambda count: bar.advance(task, count))
        counts = memory.store.patterns.counts()
    if json:
        show.as_json(counts)
        return
    show.table(
        "Patterns",
        ("kind", "patterns", "seen once only", "retired"),
        ((kind, *numbers) for kind, numbers in counts.items()),
    )


@app.command()
def decay(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would retire.")] = False,
    json: show.Json = False,
) -> None:
    """Retire patterns that have aged below learning.retire_below; seen again, they come back."""
    with memory_of(context) as memory:
        _follow(memory)
        aged = memory.learning.aged() if dry_run else memory.learning.decay()
        settings = memory.settings.learning
    if json:
        show.as_json(aged)
        return
    if aged:
        show.table(
            "Would retire" if dry_run else "Retired",
            ("id", "last seen", "at least, aged", "pattern"),
            (
                (
                    each.pattern.id,
                    show.day(each.pattern.last_seen),
                    f"{each.strength:.3f}",
                    title_of(each.pattern.definition),
                )
                for each in aged
            ),
        )
    show.line(
        f"{len(aged)} patterns {'would retire' if dry_run else 'retired'} "
        f"(half-life {settings.half_life_days:g} days, bound {settings.retire_below:g})"
    )


def _follow(memory: Memory) -> None:
    """Learn from what was recorded since; with a bar where there is much."""
    waiting = memory.store.digests.count_unlearned()
    if waiting < 100:  # noqa: PLR2004 - done before a bar would be seen
        memory.learning.follow()
        return
    with show.progress() as bar:
        task = bar.add_task("learning", total=waiting)
        memory.learning.follow(progress=lambda count: bar.advance(task, count))


def _row(pattern: Pattern) -> tuple[object, ...]:
    difference = pattern.reward_difference
    return (
        pattern.id,
        pattern.kind,
        pattern.seen.uses,
        f"{pattern.seen.wins:g}",
        f"{lower_bound(pattern.tally):.2f}",
        "" if difference is None else f"{difference:+.2f}",
        show.first_line(title_of(pattern.definition), 80) + (" (retired)" if pattern.retired_at else ""),
    )


def _explained(pattern: Pattern, why: tuple[str, ...] = (), against: tuple[str, ...] = ()) -> None:
    show.line(f"   {title_of(pattern.definition)}")
    for line in advice(pattern):
        show.line(f"   do: {line}")
    for line in why or filter(None, (evidence_sentence(pattern), use_sentence(pattern))):
        show.line(f"   why: {line}")
    for line in against or not_when(pattern):
        show.line(f"   not when: {line}")
    if why:
        for episode_id, task in examples(pattern):
            show.line(f"   from: {episode_id} {task}")
